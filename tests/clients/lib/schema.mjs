// Ethereum's public schema of JSON-RPC (execution-apis), where it is at hand: in the folder named by
// EXECUTION_APIS, or in `shared/execution-apis` beside the project. It is not part of the project.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv from 'ajv';
import { parse } from 'yaml';

/** Methods whose results differ from the schema on purpose: which complaint, and why. */
const DEVIATIONS = [
  {
    methods: ['eth_getTransactionReceipt', 'eth_getBlockReceipts', 'eth_sendRawTransactionSync'],
    where: (result) => JSON.stringify(result).includes('"depositNonce"'),
    why: 'deposits carry the fields of the OP Stack',
  },
  {
    methods: ['eth_getTransactionByHash', 'eth_getTransactionByBlockNumberAndIndex', 'eth_getTransactionByBlockHashAndIndex', 'eth_getBlockByNumber', 'eth_getBlockByHash'],
    where: (result) => JSON.stringify(result).includes('"type":"0x7e"'),
    why: 'deposits are no type of Ethereum',
  },
  {
    methods: ['eth_getFilterChanges', 'eth_getFilterLogs', 'eth_getLogs'],
    where: (result) => Array.isArray(result) && result.length === 0,
    why: 'an empty list fits several alternatives of the schema, which asks for one',
  },
  {
    methods: ['eth_getTransactionByHash'],
    where: (result) => result.blockHash === null,
    why: 'a waiting transaction has null for its place, as in geth',
  },
];

const root = process.env.EXECUTION_APIS ?? fileURLToPath(new URL('../../../../shared/execution-apis', import.meta.url));

const documents = (folder) =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => parse(readFileSync(join(folder, name), 'utf8')));

/** Validators by method; `undefined` where the schema is not at hand. */
export function loadSchema() {
  const src = join(root, 'src');
  if (!existsSync(src)) return undefined;
  const schemas = Object.assign({}, ...documents(join(src, 'schemas')));
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: false });
  const validators = new Map();
  for (const group of ['eth', 'debug', 'txpool']) {
    for (const method of documents(join(src, group)).flat()) {
      const schema = { components: { schemas }, ...method.result.schema };
      // Compiled at first use: most methods are never called by one client.
      let validate;
      validators.set(method.name, (result) => {
        validate ??= ajv.compile(schema);
        return validate(result) ? undefined : ajv.errorsText(validate.errors);
      });
    }
  }
  return validators;
}

/** Whether an answer differs from the schema where it is meant to. */
export const isDeviation = (method, result) =>
  DEVIATIONS.some(({ methods, where }) => methods.includes(method) && result && where(result));
