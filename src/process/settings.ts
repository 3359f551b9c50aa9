/** The settings that the process was started with. */
import { resolve } from 'node:path';
import { CONFIG_EXIT_STATUS, ConfigError, parseConfig, type Config } from '../config/config.ts';
import { prepareBackupDirectory, prepareDataDirectory } from '../config/data-directory.ts';

/** All that is wrong with arguments and variables is named at once, and ends the process. */
export function readSettings(): Config {
  const problems = process.argv.slice(2).map((argument) => `${argument}: settings are environment variables, see docs/configuration.md`);
  try {
    const config = parseConfig(process.env);
    if (problems.length === 0) {
      const directory = resolve(config.dataDir);
      prepareDataDirectory(directory);
      if (config.backups !== undefined) prepareBackupDirectory(resolve(config.backups.directory), directory);
      return config;
    }
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    problems.push(...error.problems);
  }
  console.error(new ConfigError(problems).message);
  process.exit(CONFIG_EXIT_STATUS);
}
