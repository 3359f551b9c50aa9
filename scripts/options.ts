/** The command line of scripts and benchmarks: the usage on `--help`, and with what was wrong for anything else that is no option. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

/** EX_USAGE of sysexits.h. */
const USAGE_EXIT_STATUS = 64;

/** Ends the process on `--help` and on options that there are not. */
export function readOptions<const T extends ParseArgsConfig>(usage: string, config: T): ReturnType<typeof parseArgs<T>> {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    console.log(usage);
    process.exit(0);
  }
  try {
    return parseArgs(config);
  } catch (error) {
    return refuse((error as Error).message, usage);
  }
}

/** A whole number, 0 or more; ends the process for anything else. */
export function wholeNumber(name: string, text: string, usage: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  return Number.isSafeInteger(value) ? value : refuse(`--${name} must be a whole number, not ${JSON.stringify(text)}`, usage);
}

export function refuse(problem: string, usage: string): never {
  console.error(`${problem}\n${usage}`);
  process.exit(USAGE_EXIT_STATUS);
}
