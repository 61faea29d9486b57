"use strict";

// Judges a request to Chargify and the answer to it with the official client of Maxio Advanced Billing for Node.js.
//
// A question is {method, path, authorization, host, status, answer}: a request, whose path has its query, and what the stand-in
// answers. The client makes the same call, and gets the answer without a network. The answer is {wrong: [sentences]}.

const readline = require("readline");
const sdk = require("@maxio-com/advanced-billing-sdk");
const { validateAndMap } = require(require.resolve("@apimatic/schema", { paths: [require.resolve("@maxio-com/advanced-billing-sdk")] }));

function camel(name) {
  return name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
}

// schemas are those of events of invoices, by their types. The client itself takes an event for any of them that it may be.
const schemas = Object.fromEntries(
  ["refund_invoice", "failed_payment", "change_chargeback_status"].map((type) => {
    const name = `${camel(type)}Event`;
    return [type, require(`@maxio-com/advanced-billing-sdk/dist/cjs/models/${name}`)[`${name}Schema`]];
  }),
);

const lists = {
  "/customers.json": [sdk.CustomersController, "listCustomers"],
  "/products.json": [sdk.ProductsController, "listProducts"],
  "/products_price_points.json": [sdk.ProductPricePointsController, "listAllProductPricePoints"],
  "/components.json": [sdk.ComponentsController, "listComponents"],
  "/subscriptions.json": [sdk.SubscriptionsController, "listSubscriptions"],
  "/events.json": [sdk.EventsController, "listEvents"],
  "/invoices.json": [sdk.InvoicesController, "listInvoices"],
  "/invoices/events.json": [sdk.InvoicesController, "listInvoiceEvents"],
  "/credit_notes.json": [sdk.InvoicesController, "listCreditNotes"],
};

// argument reads the value of a parameter as the client takes it.
function argument(name, value) {
  switch (name) {
    case "page":
    case "per_page":
    case "subscription_id":
      return Number(value);
    case "since_id":
      return BigInt(value);
    case "customer_ids":
    case "resource_ids":
      return value.split(",").map(Number);
    case "filter":
    case "event_types":
      return value.split(",");
  }
  return value === "true" ? true : value;
}

function call(client, url) {
  const query = {};
  for (const [name, value] of url.searchParams) {
    const bare = name.replace("[]", "");
    query[camel(bare)] = argument(bare, value);
  }
  if (lists[url.pathname]) {
    const [Controller, method] = lists[url.pathname];
    return new Controller(client)[method](query);
  }
  const [, resource, id, inner] = url.pathname.replace(".json", "").split("/");
  switch (`${resource}/${inner || ""}`) {
    case "site/":
      return new sdk.SitesController(client).readSite();
    case "customers/":
      if (id === "metadata") {
        return new sdk.CustomFieldsController(client).listMetadataForResourceType({ resourceType: resource, ...query });
      }
      return new sdk.CustomersController(client).readCustomer(Number(id));
    case "customers/subscriptions":
      return new sdk.CustomersController(client).listCustomerSubscriptions(Number(id));
    case "subscriptions/events":
      return new sdk.EventsController(client).listSubscriptionEvents({ subscriptionId: Number(id), ...query });
  }
  throw new Error("the client has no such call");
}

// parts is what a URL asks for, whatever the order of its parameters is.
function parts(url) {
  const query = [...url.searchParams].map(([name, value]) => `${name}=${value}`).sort();
  return `${url.host}${url.pathname}?${query.join("&")}`;
}

// unknown finds fields that the client has no name for: it has left them as they are written.
function unknown(value, at, wrong) {
  if (Array.isArray(value)) {
    value.forEach((v) => unknown(v, `${at}[]`, wrong));
  } else if (value && typeof value === "object") {
    for (const [name, v] of Object.entries(value)) {
      if (name.includes("_")) {
        wrong.push(`the client knows no field ${at}.${name}`);
      }
      unknown(v, `${at}.${name}`, wrong);
    }
  }
}

// events reads events of invoices, each as one of its type.
function events(all, wrong) {
  for (const event of all) {
    const read = validateAndMap(event, schemas[event.event_type]);
    if (read.errors) {
      wrong.push(`the client fails: ${read.errors[0].message}`);
    } else {
      unknown(read.result, event.event_type, wrong);
    }
  }
}

async function judge(question) {
  const wrong = [];
  const url = new URL(question.path, `https://${question.host}`);
  const [username, password] = Buffer.from(question.authorization.replace("Basic ", ""), "base64").toString().split(":");
  let theirs;
  const client = new sdk.Client({
    site: question.host.split(".")[0],
    basicAuthCredentials: { username, password },
    unstable_httpClientOptions: {
      adapter: async (config) => {
        theirs = config;
        return { data: question.answer, status: question.status, statusText: "", headers: { "content-type": "application/json" }, config, request: {} };
      },
    },
  });
  try {
    const { result } = await call(client, url);
    if (question.status !== 200) {
      wrong.push(`the client takes status ${question.status} for a success`);
    }
    if (url.pathname === "/invoices/events.json") {
      events(JSON.parse(question.answer).events, wrong);
    } else {
      unknown(result, "answer", wrong);
    }
  } catch (err) {
    if (question.status === 200 || err.statusCode !== question.status) {
      wrong.push(`the client fails: ${err.message}`);
    }
  }
  if (!theirs) {
    wrong.push("the client makes no request");
    return { wrong };
  }
  if (parts(new URL(theirs.url)) !== parts(url) || theirs.method.toUpperCase() !== question.method) {
    wrong.push(`the client asks for ${theirs.method} ${theirs.url}`);
  }
  const { auth } = theirs;
  if (auth?.username !== username || auth?.password !== password) {
    wrong.push("the client's authorization is another one");
  }
  return { wrong };
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let verdict;
    try {
      verdict = await judge(JSON.parse(line));
    } catch (err) {
      verdict = { wrong: [`the judge fails: ${err.stack}`] };
    }
    process.stdout.write(`${JSON.stringify(verdict)}\n`);
  }
}

main();
