/** What may be asked about wallets. */
import { z } from 'zod';
import { assetCode, listQuery, positiveDecimal, timeSpan, wallet as account } from './common.ts';
import { transaction, wallet } from './replies.ts';

export const deposit = z.strictObject({ asset: assetCode, amount: positiveDecimal, account: account.default('spot') }).meta({ examples: [{ asset: 'USDT', amount: '10000' }] });

export const transfer = z
  .strictObject({ asset: assetCode, amount: positiveDecimal, from: account, to: account })
  .refine(({ from, to }) => from !== to, { error: 'must be the other account', path: ['to'] })
  .meta({ examples: [{ asset: 'USDT', amount: '1000', from: 'spot', to: 'futures' }] });

const TRANSACTION_TYPES = ['deposit', 'transfer', 'trade', 'funding', 'liquidation'] as const;

export const walletsQuery = listQuery(wallet, {});

export const transactionsQuery = listQuery(transaction, {
  asset: assetCode.optional(),
  type: z.enum(TRANSACTION_TYPES, { error: `must be one of ${TRANSACTION_TYPES.join(', ')}` }).meta({ description: 'what changed the wallet' }).optional(),
  ...timeSpan,
});

export const assetPath = z.object({ asset: z.string().max(64).meta({ description: 'an asset', examples: ['USDT'] }) });
