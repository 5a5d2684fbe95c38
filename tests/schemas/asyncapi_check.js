// SPDX-License-Identifier: Apache-2.0
// asyncapi_check.js FILE: parses and validates the document; prints what is wrong and, in the end, its channels.
'use strict';
const {Parser, fromFile} = require('@asyncapi/parser');

async function main() {
  const {document, diagnostics} = await fromFile(new Parser(), process.argv[2]).parse();
  for (const d of diagnostics) console.log(`${d.severity === 0 ? 'error' : 'note'} ${d.path.join('/')}: ${d.message}`);
  if (!document || diagnostics.some((d) => d.severity === 0)) process.exit(1);
  for (const channel of document.allChannels().all()) console.log(`channel ${channel.address()}`);
}

main();
