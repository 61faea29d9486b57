"use strict";

// Judges a request to Braintree and the answer to it with Braintree's own client for Node.js.
//
// A question is {method, path, headers, body, status, type, answer}: a request, and what the stand-in answers. The client makes the
// same call against a server in this process. The answer is {wrong: [sentences]}. With parse: true the question is
// how the client's parser reads the answer, and the answer is {read: what it reads}.

const http = require("http");
const readline = require("readline");
const { isDeepStrictEqual } = require("util");
const braintree = require("braintree");

const kinds = { customers: "customer", subscriptions: "subscription", transactions: "transaction" };

let reply; // how the server answers the next request: {status, type, answer}
let asked; // the requests that the client has made

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    asked.push({ method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
    const { status, type, answer } = reply(request.url);
    response.writeHead(status, { "Content-Type": type });
    response.end(answer);
  });
});

function gatewayFor(question) {
  const [publicKey, privateKey] = Buffer.from(question.headers.Authorization.replace("Basic ", ""), "base64").toString().split(":");
  const port = server.address().port;
  const Environment = braintree.Environment.Development.constructor;
  return new braintree.BraintreeGateway({
    environment: new Environment("127.0.0.1", port, "", false, "127.0.0.1", port),
    merchantId: question.path.split("/")[2],
    publicKey,
    privateKey,
    customHttpAgent: agent,
  });
}

const agent = new http.Agent({ keepAlive: true });
const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

// criteria puts the criteria of a body into a search of the client, which throws if it knows none of that name.
function criteria(search, body) {
  for (const [name, value] of Object.entries(body.search)) {
    const field = search[camel(name)]();
    if (Array.isArray(value)) {
      field.in(value);
      continue;
    }
    for (const [operator, operand] of Object.entries(value)) {
      search[camel(name)]()[camel(operator)](operand);
    }
  }
}

function search(gateway, kind, body) {
  return new Promise((resolve, reject) => {
    gateway[kind].search((s) => criteria(s, body), (err, found) => (err ? reject(err) : resolve(found)));
  });
}

// page reads objects by their ids. The client has to search before; that is answered here.
async function page(gateway, kind, body, question) {
  const { ids, ...rest } = body.search;
  if (!Array.isArray(ids)) {
    throw new Error("a page is asked for without ids");
  }
  const items = ids.map((id) => `<item>${id}</item>`).join("");
  reply = () => ({
    status: 200,
    type: "application/xml",
    answer: `<search-results><page-size type="integer">50</page-size><ids type="array">${items}</ids></search-results>`,
  });
  const found = await search(gateway, kind, { search: rest });
  reply = () => question;
  asked = [];
  if (question.status === 200 && !question.answer.includes(`<${kind}>`)) {
    // The client cannot make an object of nothing; here it parses the answer only.
    return gateway.http.post(question.path, { search: { ...rest, ids } });
  }
  if (found.ids.length > found.pageSize) {
    throw new Error("a page is asked for that has more ids than a page");
  }
  return new Promise((resolve, reject) => {
    found.each((err, object) => (err ? reject(err) : resolve(object)));
  });
}

function call(gateway, question) {
  const [, , , resource, id] = question.path.split(/[/?]/);
  const kind = kinds[resource];
  if (question.method === "GET" && resource === "plans" && !id) {
    return gateway.plan.all();
  }
  if (question.method === "GET" && kind && id) {
    return gateway[kind].find(id);
  }
  if (question.method === "POST" && kind && id === "advanced_search_ids") {
    return search(gateway, kind, JSON.parse(question.body));
  }
  if (question.method === "POST" && kind && id === "advanced_search") {
    return page(gateway, kind, JSON.parse(question.body), question);
  }
  throw new Error("the client has no such call");
}

const errors = { 401: "authenticationError", 403: "authorizationError", 404: "notFoundError", 426: "upgradeRequired", 429: "tooManyRequestsError", 500: "serverError" };

// What the client throws in a callback it catches, and writes out. Then the call has failed.
let fail = () => {};
console.log = (what) => what instanceof Error && fail(what);

async function judge(question) {
  const wrong = [];
  asked = [];
  reply = () => question;
  const failed = new Promise((_, reject) => {
    fail = reject;
  });
  try {
    const read = await Promise.race([call(gatewayFor(question), question), failed]);
    if (question.status !== 200) {
      wrong.push(`the client takes status ${question.status} for a success`);
    }
    if (read && read.success === false) {
      wrong.push(`the client reads a refusal: ${read.message}`);
    }
  } catch (err) {
    if (question.status === 200 || err.type !== errors[question.status]) {
      wrong.push(`the client fails: ${err.stack}`);
    }
  }
  compare(question, asked[0], wrong);
  return { wrong };
}

// parse returns an answer as the client's parser reads it.
async function parse(question) {
  reply = () => question;
  asked = [];
  return { read: await gatewayFor(question).http.get(question.path) };
}

// compare says what differs between a request and that of the client.
function compare(question, theirs, wrong) {
  if (!theirs) {
    wrong.push("the client makes no request");
    return;
  }
  for (const part of ["method", "path"]) {
    if (question[part] !== theirs[part]) {
      wrong.push(`the client's ${part} is ${theirs[part]}`);
    }
  }
  const parsed = (text) => (text ? JSON.parse(text) : null);
  if (!isDeepStrictEqual(parsed(question.body), parsed(theirs.body))) {
    wrong.push(`the client's body is ${theirs.body}`);
  }
  for (const name of ["Authorization", "X-Apiversion", "Accept"].concat(question.body ? ["Content-Type"] : [])) {
    if (question.headers[name] !== theirs.headers[name.toLowerCase()]) {
      wrong.push(`the client's header ${name} is another one`);
    }
  }
}

async function main() {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let verdict;
    const question = JSON.parse(line);
    try {
      verdict = await (question.parse ? parse : judge)(question);
    } catch (err) {
      verdict = { wrong: [`the judge fails: ${err.stack}`] };
    }
    process.stdout.write(`${JSON.stringify(verdict)}\n`);
  }
  process.exit();
}

main();
