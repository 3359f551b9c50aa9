import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Command } from '../engine/commands.ts';
import { MemoryDisk } from '../../tests/support/memory-journal.ts';
import { ALICE, BOB, Clock, accepted, buy, codeOf, found, openMemoryLeader, place, resultsOf } from '../../tests/support/fixture.ts';
import { WINDOW_MS } from './id-window.ts';

const setUp = async () => {
  const disk = new MemoryDisk();
  const clock = new Clock();
  const leader = await openMemoryLeader(disk, clock);
  await found(leader);
  return { disk, clock, leader, restart: () => openMemoryLeader(disk, clock) };
};
const batch = (...orders: ReturnType<typeof buy>[]): Command => ({ type: 'place_orders', account: ALICE, orders });

describe('the same clientOrderId', () => {
  test('gets the first order again, and nothing else happens', async () => {
    const { leader } = await setUp();
    const first = await accepted(leader, place('a'));
    const again = await accepted(leader, place('a'));
    assert.deepEqual(again, { ...first, replayed: true, results: undefined });
    assert.equal(leader.state.openOrderCount, 1);
  });

  test('is refused for another order', async () => {
    const { leader } = await setUp();
    await accepted(leader, place('a'));
    assert.equal(await codeOf(leader.submit(place('a', { quantity: 2 }))), 'DUPLICATE_CLIENT_ORDER_ID');
    assert.equal(leader.state.openOrderCount, 1);
  });

  test('is another one for another account', async () => {
    const { leader } = await setUp();
    await accepted(leader, place('a'));
    assert.equal((await accepted(leader, { ...place('a'), account: BOB })).replayed, false);
  });

  test('is free after a refusal', async () => {
    const { leader } = await setUp();
    assert.equal(await codeOf(leader.submit(place('a', { price: 0 }))) === 'accepted', false);
    assert.equal((await accepted(leader, place('a'))).replayed, false);
  });

  test('is remembered when the order is gone, through a crash and an orderly restart', async () => {
    const { leader, restart } = await setUp();
    const first = await accepted(leader, place('a'));
    await accepted(leader, { type: 'cancel_order', account: ALICE, order: first.seq });
    const crashed = await restart();
    assert.deepEqual((await accepted(crashed, place('a'))).events, first.events);
    await crashed.close();
    const restarted = await restart();
    assert.equal(restarted.recovery.events, 0);
    assert.deepEqual((await accepted(restarted, place('a'))).events, first.events);
    assert.equal(restarted.state.openOrderCount, 0);
  });

  test('is free 24 hours later, unless its order is still open', async () => {
    const { clock, leader } = await setUp();
    const gone = await accepted(leader, place('gone'));
    const open = await accepted(leader, place('open'));
    await accepted(leader, { type: 'cancel_order', account: ALICE, order: gone.seq });
    clock.time += WINDOW_MS;
    assert.equal((await accepted(leader, place('gone'))).replayed, false);
    assert.deepEqual((await accepted(leader, place('open'))).events, open.events);
    assert.equal(await codeOf(leader.submit(place('open', { price: 19_000 }))), 'DUPLICATE_CLIENT_ORDER_ID');
  });

  test('sent twice at once has one effect and two equal answers', async () => {
    const { disk, leader } = await setUp();
    disk.latency = () => 10;
    const [first, second] = await Promise.all([accepted(leader, place('a')), accepted(leader, place('a'))]);
    assert.deepEqual(second, { ...first, replayed: true });
    assert.equal(leader.state.openOrderCount, 1);
  });

  test('of a damaged record is not answered', async () => {
    const { disk, leader } = await setUp();
    const first = await accepted(leader, place('a'));
    disk.corrupt(first.seq);
    await assert.rejects(leader.submit(place('a')), /could not be read from the journal/);
  });
});

describe('in a batch', () => {
  test('repeated items get their first order, the others are executed', async () => {
    const { leader } = await setUp();
    const single = await accepted(leader, place('a'));
    const mixed = await accepted(leader, batch(buy('b'), buy('a'), buy('a', { quantity: 7 }), buy('', { price: 0 }), buy('c')));
    assert.deepEqual(resultsOf(mixed), [single.seq + 1, single.seq, 'DUPLICATE_CLIENT_ORDER_ID', resultsOf(mixed)[3], single.seq + 2]);
    assert.equal(mixed.replayed, false);
    assert.deepEqual(mixed.events.map(({ seq }) => seq), [single.seq, single.seq + 1, single.seq + 2]);
    assert.equal(leader.state.openOrderCount, 3);
  });

  test('a batch that was sent before gives the same results', async () => {
    const { leader, restart } = await setUp();
    const first = await accepted(leader, batch(buy('a'), buy('b')));
    for (const sequencer of [leader, await restart()]) {
      const again = await accepted(sequencer, batch(buy('a'), buy('b')));
      assert.deepEqual(again, { ...first, replayed: true });
    }
  });

  test('an id that comes twice is one order, or a refusal when they differ', async () => {
    const { leader } = await setUp();
    const answer = await accepted(leader, batch(buy('a'), buy('a'), buy('a', { quantity: 2 }), buy('b')));
    const [a, same, other, b] = resultsOf(answer);
    assert.equal(same, a);
    assert.equal(other, 'DUPLICATE_CLIENT_ORDER_ID');
    assert.equal(b, (a as number) + 1);
    assert.equal(leader.state.openOrderCount, 2);
  });

  test('places of a replacement are told apart, its cancels are carried out', async () => {
    const { leader } = await setUp();
    const first = await accepted(leader, place('a'));
    const replace: Command = { type: 'replace_orders', account: ALICE, cancel: [first.seq], place: [buy('b'), buy('c')] };
    const done = await accepted(leader, replace);
    const again = await accepted(leader, { ...replace, place: [buy('c'), buy('d')] });
    const [, , c] = resultsOf(done);
    assert.deepEqual(resultsOf(again).slice(0, 2), ['ORDER_NOT_OPEN', c]);
    assert.equal(leader.state.openOrderCount, 3);
  });
});

describe('the same Idempotency-Key', () => {
  const deposit: Command = { type: 'deposit', account: ALICE, asset: 'USDT', amount: 5, wallet: 'spot' };
  const meta = { idempotencyKey: '2:k', fingerprint: 'deposit 5' };

  test('gets the first outcome again, in flight, after the commit and after a restart', async () => {
    const { disk, leader, restart } = await setUp();
    disk.latency = () => 10;
    const before = leader.state.balance(ALICE, 0).spotAvailable;
    const [first, second] = await Promise.all([accepted(leader, deposit, meta), accepted(leader, deposit, meta)]);
    assert.deepEqual(second, { ...first, replayed: true });
    assert.deepEqual(await accepted(leader, deposit, meta), second);
    const next = await restart();
    assert.deepEqual(await accepted(next, deposit, meta), second);
    assert.equal(next.state.balance(ALICE, 0).spotAvailable, before + 5);
  });

  test('is refused for another request', async () => {
    const { leader } = await setUp();
    await accepted(leader, deposit, meta);
    assert.equal(await codeOf(leader.submit(deposit, { ...meta, fingerprint: 'deposit 6' })), 'CONFLICT');
  });

  test('is free after a refusal and 24 hours later', async () => {
    const { clock, leader } = await setUp();
    assert.notEqual(await codeOf(leader.submit({ ...deposit, amount: -1 }, meta)), 'accepted');
    await accepted(leader, deposit, meta);
    clock.time += WINDOW_MS;
    assert.equal((await accepted(leader, deposit, meta)).replayed, false);
  });

  test('is remembered of what came to nothing: a late repeat does not cancel what was placed since', async () => {
    const { leader, restart } = await setUp();
    const cancelAll: Command = { type: 'cancel_orders', account: ALICE };
    const first = await accepted(leader, cancelAll, meta);
    assert.deepEqual(first.events.map(({ type }) => type), ['noted']);
    await accepted(leader, place('a'));
    assert.deepEqual(await accepted(leader, cancelAll, meta), { ...first, replayed: true });
    const next = await restart();
    assert.deepEqual(await accepted(next, cancelAll, meta), { ...first, replayed: true });
    assert.equal(next.state.openOrderCount, 1);
    assert.equal(await codeOf(next.submit(cancelAll, { ...meta, fingerprint: 'other' })), 'CONFLICT');
    // Without a key it is told anew each time, and is no event.
    const { seq } = next.state;
    const gone: Command = { type: 'cancel_orders', account: BOB };
    assert.deepEqual((await accepted(next, gone)).events, []);
    assert.equal(next.state.seq, seq);
  });

  test('gives the refusals of a batch again in which every item was refused', async () => {
    const { leader, restart } = await setUp();
    const keyed = { idempotencyKey: '2:refused', fingerprint: 'x' };
    const refusedBatch: Command = { type: 'cancel_orders', account: ALICE, orders: [900, 901] };
    const first = await accepted(leader, refusedBatch, keyed);
    assert.deepEqual(resultsOf(first), ['ORDER_NOT_OPEN', 'ORDER_NOT_OPEN']);
    assert.deepEqual(await accepted(await restart(), refusedBatch, keyed), { ...first, replayed: true });
  });

  test('gives a mixed batch again with the events of its earlier orders', async () => {
    const { leader } = await setUp();
    const single = await accepted(leader, place('a'));
    const keyed = { idempotencyKey: '2:batch', fingerprint: 'x' };
    const first = await accepted(leader, batch(buy('a'), buy('b')), keyed);
    assert.deepEqual(resultsOf(first), [single.seq, single.seq + 1]);
    assert.deepEqual(await accepted(leader, batch(buy('a'), buy('b')), keyed), { ...first, replayed: true });
  });
});
