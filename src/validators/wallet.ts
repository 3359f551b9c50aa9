/** What may be asked about wallets. */
import { z } from 'zod';
import { assetCode, ONE_START, oneStart, page, positiveDecimal, queryTime, wallet } from './common.ts';
import { transaction } from './replies.ts';

export const deposit = z.strictObject({ asset: assetCode, amount: positiveDecimal, account: wallet.default('spot') });

export const transfer = z
  .strictObject({ asset: assetCode, amount: positiveDecimal, from: wallet, to: wallet })
  .refine(({ from, to }) => from !== to, { error: 'must be the other account', path: ['to'] });

const TRANSACTION_TYPES = ['deposit', 'transfer', 'trade', 'funding', 'liquidation'] as const;

export const transactionsQuery = z
  .strictObject({
    ...page(transaction),
    asset: assetCode.optional(),
    type: z.enum(TRANSACTION_TYPES, { error: `must be one of ${TRANSACTION_TYPES.join(', ')}` }).optional(),
    from: queryTime.optional(),
    to: queryTime.optional(),
  })
  .refine(oneStart, ONE_START);

export const assetPath = z.object({ asset: z.string().max(64) });
