// SPDX-License-Identifier: Apache-2.0
// Drives the sandbox with jsforce. argv: the name of a scenario; environment: SB_URL, SB_CLIENT_ID, ...
'use strict';
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const jsforce = require('jsforce');

const env = process.env;
const url = env.SB_URL;
const oauth2 = { loginUrl: url, clientId: env.SB_CLIENT_ID, clientSecret: env.SB_CLIENT_SECRET };

async function connected(options) {
  const conn = new jsforce.Connection({ oauth2, loginUrl: url, version: '60.0', ...options });
  await conn.login(env.SB_USERNAME, env.SB_PASSWORD);
  return conn;
}

async function admin(path, body) {
  const reply = await fetch(`${url}/_sandbox${path}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body ?? {}) });
  assert.ok(reply.ok, await reply.text());
}

function assertion() {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { iss: env.SB_CLIENT_ID, sub: env.SB_USERNAME, aud: url, exp: Math.floor(Date.now() / 1000) + 180 };
  const text = `${part({ alg: 'RS256' })}.${part(claims)}`;
  return `${text}.${crypto.sign('RSA-SHA256', Buffer.from(text), env.SB_JWT_KEY).toString('base64url')}`;
}

const scenarios = {
  async login() {
    const password = await connected();
    assert.equal(password.instanceUrl, url);
    assert.match(password.userInfo.organizationId, /^00D/);
    const identity = await password.identity();
    assert.equal(identity.user_id, password.userInfo.id);
    const soap = new jsforce.Connection({ loginUrl: url, version: '60.0' });
    await soap.login(env.SB_USERNAME, env.SB_PASSWORD);
    assert.equal((await soap.query('SELECT Id FROM User LIMIT 1')).totalSize, 1);
    for (const grant of [{ grant_type: 'client_credentials' },
      { grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer', assertion: assertion() }]) {
      const conn = new jsforce.Connection({ oauth2, instanceUrl: url, version: '60.0' });
      await conn.authorize(grant);
      assert.ok((await conn.limits()).DailyApiRequests.Max > 0);
    }
    await assert.rejects(new jsforce.Connection({ oauth2, loginUrl: url }).login(env.SB_USERNAME, 'wrong'),
      (error) => error.name === 'invalid_grant' && error.message === 'authentication failure');
    const both = new jsforce.Connection({ oauth2, instanceUrl: url, version: '60.0' });
    await both.authorize({ grant_type: 'password', username: env.SB_USERNAME, password: env.SB_PASSWORD,
      scope: 'api refresh_token' });
    assert.ok(both.refreshToken);
    await admin('/expire-tokens');
    assert.equal((await both.query('SELECT Id FROM User')).done, true); // by the refresh token
    await password.login(env.SB_USERNAME, env.SB_PASSWORD);
    await password.logout();
    await assert.rejects(password.query('SELECT Id FROM User'));
  },

  async query() {
    const conn = await connected();
    const records = Array.from({ length: 450 }, (_, i) => ({ LastName: `Js ${String(i).padStart(3, '0')}` }));
    const made = await conn.sobject('Contact').create(records, { allowRecursive: true });
    assert.ok(made.every((r) => r.success));
    const soql = "SELECT Id, LastName FROM Contact WHERE LastName LIKE 'Js %' ORDER BY LastName";
    const first = await conn.query(soql, { headers: { 'Sforce-Query-Options': 'batchSize=200' } });
    assert.deepEqual([first.totalSize, first.done, first.records.length], [450, false, 200]);
    const second = await conn.queryMore(first.nextRecordsUrl);
    assert.equal(second.records[0].LastName, 'Js 200');
    const all = await conn.query(soql, { autoFetch: true, maxFetch: 1000,
      headers: { 'Sforce-Query-Options': 'batchSize=200' } });
    assert.equal(all.records.length, 450);
    const built = await conn.sobject('Contact').find({ LastName: "Js 007", FirstName: null }, ['Id', 'LastName']).limit(5);
    assert.deepEqual(built.map((r) => r.LastName), ['Js 007']);
    assert.ok(conn.limitInfo.apiUsage.used > 0);
  },

  async crud() {
    const conn = await connected();
    const account = await conn.sobject('Account').create({ Name: "O'Hara & Søn", Phone: '(520) 773-9050' });
    assert.ok(account.success && account.id.startsWith('001'));
    await conn.sobject('Contact').create({ LastName: 'Hara', AccountId: account.id, MobilePhone: '0049 30 901820' });
    const [found] = await conn.sobject('Account').find({ Name: "O'Hara & Søn" }, 'Id, Name, (SELECT LastName FROM Contacts)');
    assert.equal(found.Id, account.id);
    assert.equal(found.Contacts.records[0].LastName, 'Hara');
    assert.ok((await conn.sobject('Account').update({ Id: account.id, Fax: '1' })).success);
    assert.equal((await conn.sobject('Account').retrieve(account.id)).Fax, '1');
    assert.ok((await conn.sobject('Account').destroy(account.id)).success);
    await assert.rejects(conn.sobject('Account').retrieve(account.id), (error) => error.errorCode === 'NOT_FOUND' || error.errorCode === 'ENTITY_IS_DELETED');
    const names = (await conn.describeGlobal()).sobjects.map((o) => o.name);
    assert.ok(names.includes('CaseComment'));
    assert.ok((await conn.describe('Task')).fields.some((f) => f.externalId));
  },

  async upsert() {
    const conn = await connected();
    const task = { Callfleet_Call_Id__c: 'js-1', Subject: 'Call', Status: 'Completed' };
    const first = await conn.sobject('Task').upsert(task, 'Callfleet_Call_Id__c');
    const again = await conn.sobject('Task').upsert({ ...task, Subject: 'Call 2' }, 'Callfleet_Call_Id__c');
    assert.ok(first.success && again.success && first.id === again.id);
    const many = await conn.sobject('Task').upsert([task, { ...task, Callfleet_Call_Id__c: 'js-2' },
      { ...task, Callfleet_Call_Id__c: 'js-3', Nope: 1 }], 'Callfleet_Call_Id__c', { allOrNone: false });
    assert.deepEqual(many.map((r) => r.success), [true, true, false]);
    assert.equal(many[2].errors[0].statusCode, 'INVALID_FIELD');
  },

  async collections() {
    const conn = await connected();
    const made = await conn.sobject('Account').create([{ Name: 'C1' }, { Name: 'C2' }, { Nope: 1 }]);
    assert.deepEqual(made.map((r) => r.success), [true, true, false]);
    const ids = made.slice(0, 2).map((r) => r.id);
    const updated = await conn.sobject('Account').update(ids.map((Id) => ({ Id, Phone: '7' })));
    assert.ok(updated.every((r) => r.success));
    assert.deepEqual((await conn.sobject('Account').retrieve(ids)).map((r) => r.Phone), ['7', '7']);
    assert.ok((await conn.sobject('Account').destroy(ids)).every((r) => r.success));
    const undone = await conn.sobject('Account').create([{ Name: 'U1' }, { Nope: 1 }], { allOrNone: true });
    assert.ok(undone.every((r) => !r.success));
    assert.equal((await conn.query("SELECT Id FROM Account WHERE Name = 'U1'")).totalSize, 0);
  },

  async composite() {
    const conn = await connected();
    const base = '/services/data/v60.0';
    const answer = await conn.requestPost(`${base}/composite`, { allOrNone: true, compositeRequest: [
      { method: 'POST', url: `${base}/sobjects/Account`, referenceId: 'a', body: { Name: 'Composite Inc' } },
      { method: 'POST', url: `${base}/sobjects/Case`, referenceId: 'c', body: { Subject: 'S', AccountId: '@{a.id}' } },
      { method: 'GET', url: `${base}/query?q=SELECT+Id,Account.Name+FROM+Case+WHERE+Id='@{c.id}'`, referenceId: 'q' }] });
    assert.deepEqual(answer.compositeResponse.map((r) => r.httpStatusCode), [201, 201, 200]);
    assert.equal(answer.compositeResponse[2].body.records[0].Account.Name, 'Composite Inc');
    const batch = await conn.requestPost(`${base}/composite/batch`, { batchRequests: [
      { method: 'GET', url: 'v60.0/limits' }] });
    assert.deepEqual([batch.hasErrors, batch.results[0].statusCode], [false, 200]);
  },

  // What scripts from elsewhere may use, too.
  async more() {
    const conn = await connected();
    const start = new Date(Date.now() - 60000).toISOString();
    const made = await conn.sobject('Contact').insert({ LastName: 'More', Email: 'more@example.org', HomePhone: '555 0100' });
    const { id } = await conn.sobject('Contact').insert({ LastName: 'Gone' });
    await conn.sobject('Contact').del(id);
    const end = new Date(Date.now() + 60000).toISOString();
    assert.ok((await conn.sobject('Contact').updated(start, end)).ids.includes(made.id));
    assert.deepEqual((await conn.sobject('Contact').deleted(start, end)).deletedRecords.map((r) => r.id), [id]);
    assert.ok((await conn.recent()).length > 0);
    assert.ok((await conn.sobject('Contact').recent()).length > 0);
    assert.equal((await conn.query("SELECT Id FROM Contact WHERE LastName = 'Gone'", { scanAll: true })).totalSize, 1);
    assert.equal(await conn.sobject('Contact').count({ LastName: 'More' }), 1);
    assert.equal((await conn.sobject('Contact').findOne({ Email: { $like: '%@example.org' } })).Id, made.id);
    const built = await conn.sobject('Contact').select('Id, LastName')
      .where("LastName = 'More' AND CreatedDate = TODAY").sort({ CreatedDate: -1 }).limit(3).skip(0).execute();
    assert.deepEqual(built.map((r) => r.Id), [made.id]);
    const parents = await conn.sobject('Account').find({}, ['Id', 'Name']).include('Contacts', {}, ['Id']).end().limit(2).execute();
    assert.equal(parents.length, 2);
    let seen = 0;
    await new Promise((resolve, reject) => conn.query('SELECT Id FROM Case')
      .on('record', () => { seen += 1; }).on('end', resolve).on('error', reject).run({ autoFetch: true }));
    assert.ok(seen > 0);
    await conn.sobject('Contact').find({ LastName: 'More' }).update({ Title: 'Dr' });
    assert.equal((await conn.requestGet(`/sobjects/Contact/${made.id}`)).Title, 'Dr');
    assert.ok((await conn.sobject('Contact').describe$()).fields.length > 20);
    assert.ok((await conn.describeGlobal$()).sobjects.length >= 8);
    assert.equal((await conn.sobject('Contact').record(made.id).retrieve()).HomePhone, '555 0100');
    assert.ok((await conn.identity()).urls.rest.includes('/services/data/'));
    await conn.sobject('Contact').find({ LastName: 'More' }).destroy();
    assert.equal((await conn.request('/services/data')).at(-1).version, '68.0');
  },

  async search() {
    const conn = await connected();
    const { id } = await conn.sobject('Contact').create({ LastName: 'Findme', Phone: '+1 480 555 0142' });
    const found = await conn.search('FIND {4805550142} IN PHONE FIELDS RETURNING Contact(Id, Name), Account(Id)');
    assert.deepEqual(found.searchRecords.map((r) => r.Id), [id]);
  },

  async errors() {
    const conn = await connected();
    await assert.rejects(conn.query('SELECT Nope FROM Account'), (error) => error.errorCode === 'INVALID_FIELD');
    await assert.rejects(conn.query('SELECT'), (error) => error.errorCode === 'MALFORMED_QUERY');
    await assert.rejects(conn.sobject('Nope').describe(), (error) => error.errorCode === 'NOT_FOUND');
    await assert.rejects(conn.sobject('Contact').create({ FirstName: 'x' }),
      (error) => error.errorCode === 'REQUIRED_FIELD_MISSING' && error.data.fields.includes('LastName'));
    await admin('/faults', { kind: 'status', status: 503, times: 2, class: 'query' });
    assert.equal((await conn.query('SELECT Id FROM User')).done, true); // jsforce tries reads again
    await admin('/config', { daily_limit: 1 });
    await assert.rejects(conn.query('SELECT Id FROM User'), (error) => error.errorCode === 'REQUEST_LIMIT_EXCEEDED');
    await admin('/config', { daily_limit: 1000000 });
    await admin('/expire-tokens');
    const refreshed = await connected({ refreshFn: async (c, callback) => {
      const fresh = await connected();
      callback(null, fresh.accessToken);
    } });
    await admin('/expire-tokens');
    assert.equal((await refreshed.query('SELECT Id FROM User')).done, true); // after a 401 and a new login
  },
};

scenarios[process.argv[2]]().then(() => console.log('ok'), (error) => {
  console.error(error);
  process.exitCode = 1;
});
