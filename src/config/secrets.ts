/** The process's own keys: from the environment, else generated once into the data directory, readable by its owner alone. */
import { randomBytes } from 'node:crypto';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { ConfigError, type Config } from './config.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { encryptionKeys, secrets, type EncryptionKey } from './values.ts';

export interface Secrets {
  /** The first signs, all verify. */
  readonly jwt: readonly string[];
  /** The first encrypts, all decrypt. */
  readonly encryption: readonly EncryptionKey[];
}

const FILE = 'keys.json';
const fileSchema = z.strictObject({ jwtSecret: secrets, encryptionKeys });

/** Creates the data directory (0700) and the key file (0600) where they are missing. Throws ConfigError when one of them cannot be used, or the key file is damaged: other keys would lock every client out. */
export function loadSecrets(config: Pick<Config, 'dataDir' | 'jwtSecrets' | 'encryptionKeys'>): Secrets {
  const directory = resolve(config.dataDir);
  prepareDataDirectory(directory);
  if (config.jwtSecrets !== undefined && config.encryptionKeys !== undefined) return { jwt: config.jwtSecrets, encryption: config.encryptionKeys };
  const stored = readOrCreate(join(directory, FILE));
  return { jwt: config.jwtSecrets ?? stored.jwtSecret, encryption: config.encryptionKeys ?? stored.encryptionKeys };
}

function readOrCreate(path: string): z.output<typeof fileSchema> {
  const result = fileSchema.safeParse(parseJson(textOf(path)));
  if (!result.success) throw new ConfigError([`${path}: is not a key file; restore it from a backup, or remove it to make new keys, which signs everybody out`]);
  return result.data;
}

function textOf(path: string): string {
  try {
    createOnce(path);
    chmodSync(path, 0o600);
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown' } = error as NodeJS.ErrnoException;
    throw new ConfigError([`DATA_DIR: ${path} cannot be used (${code}): it must be a file of the user that this process runs as`]);
  }
}

function createOnce(path: string): void {
  const fresh = JSON.stringify({ jwtSecret: randomBytes(32).toString('base64url'), encryptionKeys: `k1:${randomBytes(32).toString('base64')}` });
  try {
    writeFileSync(path, `${fresh}\n`, { mode: 0o600, flag: 'wx', flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
