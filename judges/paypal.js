"use strict";

// Judges a request to PayPal and the answer to it with PayPal's own client for Node.js.
//
// A question is {method, path, headers, body, status, answer}: a request, and what the stand-in answers. The client makes the same call against a
// server in this process. The answer is {wrong: [sentences]}.

const http = require("http");
const https = require("https");
const net = require("net");
const readline = require("readline");
const { isDeepStrictEqual } = require("util");
const paypal = require("@paypal/paypal-server-sdk");

let reply; // what the server answers the next request
let asked; // the requests that the client has made

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    asked.push({ method: request.method, path: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() });
    response.writeHead(reply.status, { "Content-Type": "application/json" });
    response.end(reply.answer);
  });
});

// The client speaks to PayPal's own address only; its connections lead to the server here.
const agent = new https.Agent({ keepAlive: true });
agent.createConnection = () => net.connect(server.address().port, "127.0.0.1");

function clientFor(question) {
  const bearer = question.headers.Authorization.replace("Bearer ", "");
  const expiry = BigInt(Math.round(Date.now() / 1000) + 3600);
  return new paypal.Client({
    clientCredentialsAuthCredentials: { oAuthClientId: "id", oAuthClientSecret: "secret", oAuthToken: { accessToken: bearer, tokenType: "Bearer", expiry } },
    environment: paypal.Environment.Sandbox,
    httpClientOptions: { httpsAgent: agent },
    logging: undefined,
  });
}

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());

// parameters reads a query as the client takes parameters.
function parameters(query) {
  const found = {};
  for (const [name, value] of query) {
    found[camel(name)] = { page: Number, page_size: Number, total_required: (text) => text === "true" }[name]?.(value) ?? value;
  }
  return found;
}

function call(question) {
  const client = clientFor(question);
  const url = new URL(question.path, "https://paypal.test");
  const given = parameters(url.searchParams);
  const subscriptions = new paypal.SubscriptionsController(client);
  const [, , area, kind, id, part] = url.pathname.split("/");
  switch (`${question.method} ${area} ${kind}${id ? " id" : ""}${part ? ` ${part}` : ""}`) {
    case "POST oauth2 token":
      return new paypal.OAuthAuthorizationController(client).requestToken({ authorization: question.headers.Authorization });
    case "GET billing plans":
      return subscriptions.listBillingPlans({ prefer: question.headers.Prefer, ...given });
    case "GET billing plans id":
      return subscriptions.getBillingPlan(id);
    case "GET billing subscriptions":
      return subscriptions.listSubscriptions(given);
    case "GET billing subscriptions id":
      return subscriptions.getSubscription({ id, ...given });
    case "GET billing subscriptions id transactions":
      return subscriptions.listSubscriptionTransactions({ id, ...given });
    case "GET reporting transactions":
      return new paypal.TransactionSearchController(client).searchTransactions(given);
  }
  throw new Error("the client has no such call");
}

async function judge(question) {
  const wrong = [];
  asked = [];
  reply = question;
  try {
    await call(question);
    if (question.status !== 200) {
      wrong.push(`the client takes status ${question.status} for a success`);
    }
  } catch (err) {
    if (question.status === 200 || err.statusCode !== question.status) {
      wrong.push(`the client fails: ${err.stack}`);
    }
  }
  compare(question, asked[0], wrong);
  return { wrong };
}

const pairs = (path) => [...new URL(path, "https://paypal.test").searchParams].sort();

// compare says what differs between a request and that of the client.
function compare(question, theirs, wrong) {
  if (!theirs) {
    wrong.push("the client makes no request");
    return;
  }
  if (question.method !== theirs.method || question.path.split("?")[0] !== theirs.path.split("?")[0] || !isDeepStrictEqual(pairs(question.path), pairs(theirs.path))) {
    wrong.push(`the client asks for ${theirs.method} ${theirs.path}`);
  }
  if (!isDeepStrictEqual([...new URLSearchParams(question.body)], [...new URLSearchParams(theirs.body)])) {
    wrong.push(`the client's body is ${theirs.body}`);
  }
  for (const name of ["Authorization", "Prefer"]) {
    if (question.headers[name] !== theirs.headers[name.toLowerCase()]) {
      wrong.push(`the client's header ${name} is another one`);
    }
  }
}

async function main() {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let verdict;
    try {
      verdict = await judge(JSON.parse(line));
    } catch (err) {
      verdict = { wrong: [`the judge fails: ${err.stack}`] };
    }
    process.stdout.write(`${JSON.stringify(verdict)}\n`);
  }
  process.exit();
}

main();
