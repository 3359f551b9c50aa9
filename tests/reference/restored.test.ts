/** An engine that was restored from a snapshot decides everything after it exactly as the one that never stopped: nothing depends on how the state came about. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Engine } from '../../src/engine/engine.ts';
import { Kit } from '../support/engine-kit.ts';
import { Fuzz } from '../support/fuzz.ts';

const SEEDS = Number(process.env.SEEDS ?? 12);
const FIRST = Number(process.env.SEED ?? 7_001);
const COMMANDS = 600;
/** Restored anew every so many commands. */
const EVERY = 25;

test('a restored engine goes on as the one that was saved', (t) => {
  t.diagnostic(`seeds ${FIRST} to ${FIRST + SEEDS - 1}`);
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const kit = Kit.create({ perp: { maxOpenOrders: 20 } });
    const accounts = ['a', 'b', 'c', 'd', 'e'].map((name) => kit.user(name, 3, 1));
    kit.prices(1_000);
    const fuzz = new Fuzz(seed, kit, accounts);
    let restored = Engine.restore(kit.engine.snapshot());
    for (let n = 1; n <= COMMANDS; n++) {
      const command = fuzz.next();
      const outcome = kit.engine.execute(command, kit.time);
      assert.deepEqual(restored.execute(command, kit.time), outcome, `seed ${seed}, command ${n}`);
      assert.equal(restored.nextTimer(), kit.engine.nextTimer(), `seed ${seed}, command ${n}: next timer`);
      if (n % EVERY === 0) restored = Engine.restore(kit.engine.snapshot());
    }
    assert.equal(restored.stateHash(), kit.engine.stateHash());
    kit.engine.check();
  }
});
