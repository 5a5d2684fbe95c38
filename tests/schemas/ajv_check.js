// SPDX-License-Identifier: Apache-2.0
// ajv_check.js SCHEMAS: reads file names from stdin, writes "accept FILE" or "reject FILE REASON" for each, as check-events
// does. Every file is judged twice, by draft 2020-12 and by draft-07 (AsyncAPI's dialect); if they differ it writes "differ".
'use strict';
const fs = require('fs');
const path = require('path');
const Ajv07 = require('ajv').default;
const Ajv2020 = require('ajv/dist/2020').default;
const addFormats = require('ajv-formats').default;

const MARKS = ['ce_specversion', 'ce_id', 'ce_source', 'ce_type'];
const ATTRIBUTES = [...MARKS, 'ce_subject', 'ce_time', 'ce_traceparent'];

function compiler(Ajv, schemas) {
  const ajv = new Ajv({strict: true, strictTypes: true, strictTuples: true, allErrors: false});
  addFormats(ajv);
  const compiled = new Map();
  return (name) => {
    if (!compiled.has(name)) {
      const schema = JSON.parse(fs.readFileSync(path.join(schemas, `${name}.schema.json`), 'utf8'));
      if (Ajv === Ajv07) delete schema.$schema;
      compiled.set(name, ajv.compile(schema));
    }
    return compiled.get(name);
  };
}

// The envelope of a file, or null when it is bare data.
function envelopeOf(file, value) {
  if (file.endsWith('.binary.json') && MARKS.some((name) => name in value.headers)) {
    const envelope = {data: value.data};
    for (const name of ATTRIBUTES) if (name in value.headers) envelope[name.slice(3)] = value.headers[name];
    return envelope;
  }
  // Without any of the required headers the value speaks for itself.
  if (file.endsWith('.binary.json')) value = value.data;
  const object = value !== null && typeof value === 'object' && !Array.isArray(value);
  return object && Object.prototype.hasOwnProperty.call(value, 'specversion') ? value : null;
}

function judge(compile, file) {
  const event = path.basename(path.dirname(file));
  let data = JSON.parse(new TextDecoder('utf-8', {fatal: true}).decode(fs.readFileSync(file)));
  const envelope = envelopeOf(file, data);
  if (file.endsWith('.binary.json')) data = data.data;
  if (envelope) {
    const valid = compile('cloudevent');
    if (!valid(envelope)) return `envelope${valid.errors[0].instancePath}: ${valid.errors[0].message}`;
    if (envelope.type !== `callfleet.${event}.v1`) return 'envelope/type: of another event';
    data = envelope.data;
  }
  const valid = compile(event);
  return valid(data) ? '' : `data${valid.errors[0].instancePath}: ${valid.errors[0].message}`;
}

const schemas = process.argv[2];
const drafts = [compiler(Ajv2020, schemas), compiler(Ajv07, schemas)];
for (const file of fs.readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const [now, old] = drafts.map((compile) => judge(compile, file));
  if (!now !== !old) console.log(`differ ${file} 2020-12: ${now || 'accept'}; draft-07: ${old || 'accept'}`);
  else console.log(now ? `reject ${file} ${now}` : `accept ${file}`);
}
