'use strict';
// What Apps Script gives to a script, as far as Code.js uses it: one spreadsheet with colours and notes, the properties of a user and of
// a document, dialogues that a test answers, and calls over HTTP that wait for their answer.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const zlib = require('node:zlib');
const { MessageChannel, Worker, receiveMessageOnPort } = require('node:worker_threads');

// What makes the requests, while the script waits: a thread of its own.
const CALLER = `
const { workerData: { port, answered } } = require('node:worker_threads');
port.on('message', async ({ url, options }) => {
  let answer;
  try {
    const response = await fetch(url, options);
    answer = { status: response.status, type: response.headers.get('content-type'), body: new Uint8Array(await response.arrayBuffer()) };
  } catch (e) {
    answer = {};
  }
  port.postMessage(answer);
  Atomics.store(answered, 0, 1);
  Atomics.notify(answered, 0);
});`;
const answered = new Int32Array(new SharedArrayBuffer(4));
const { port1: port, port2 } = new MessageChannel();
new Worker(CALLER, { eval: true, workerData: { port: port2, answered }, transferList: [port2] }).unref();
port.unref();

// call makes one request, as UrlFetchApp does: it returns when the answer is there.
function call (url, { method = 'get', headers = {}, contentType, payload } = {}) {
  Atomics.store(answered, 0, 0);
  port.postMessage({ url, options: { method: method.toUpperCase(), headers: { ...headers, ...(contentType && { 'Content-Type': contentType }) }, body: payload } });
  Atomics.wait(answered, 0, 0);
  const { message } = receiveMessageOnPort(port);
  if (!message.status) throw new Error('Address unavailable: ' + url);
  return { ...message, body: Buffer.from(message.body) };
}

class Blob {
  constructor (bytes, type) { Object.assign(this, { bytes, type }); }
  setContentType (type) { this.type = type; return this; }
  getContentType () { return this.type; }
  getDataAsString () { return this.bytes.toString('utf8'); }
}

// unzip reads the files of a ZIP by its directory.
function unzip (blob) {
  const zip = blob.bytes;
  const end = zip.lastIndexOf(Buffer.from('PK\x05\x06', 'latin1'));
  const files = [];
  for (let n = zip.readUInt16LE(end + 10), at = zip.readUInt32LE(end + 16); n > 0; n--) {
    const [method, size] = [zip.readUInt16LE(at + 10), zip.readUInt32LE(at + 20)];
    const local = zip.readUInt32LE(at + 42);
    const begin = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28);
    const packed = zip.subarray(begin, begin + size);
    files.push(new Blob(method === 8 ? zlib.inflateRawSync(packed) : packed, 'text/csv'));
    at += 46 + zip.readUInt16LE(at + 28) + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32);
  }
  return files;
}

// parseCsv reads a CSV file.
function parseCsv (text) {
  const rows = [[]];
  for (const [, cell, next] of text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r\n|\n|$)/g)) {
    rows[rows.length - 1].push(cell.startsWith('"') ? cell.slice(1, -1).replace(/""/g, '"') : cell);
    if (next === '') break;
    if (next !== ',') rows.push([]);
  }
  return rows.filter((row) => row.length > 1);
}

class Properties {
  constructor () { this.values = new Map(); }
  getProperty (name) { return this.values.has(name) ? this.values.get(name) : null; }
  setProperty (name, value) {
    if (value.length > 9 << 10) throw new Error('Argument too large: value');
    this.values.set(name, value);
  }

  setProperties (all) { for (const [name, value] of Object.entries(all)) this.setProperty(name, value); }
  deleteProperty (name) { this.values.delete(name); }
}

// open runs Code.js for one person who has a spreadsheet open, and returns its functions and all that the person sees.
function open (id, tabs) {
  const seen = { menu: [], alerts: [], sidebar: '', toasts: [], answers: [], cells: new Map() };
  const Button = { OK: 'OK', YES: 'YES', NO: 'NO', CANCEL: 'CANCEL' };
  const ui = {
    Button,
    ButtonSet: { OK: 'OK', OK_CANCEL: 'OK_CANCEL', YES_NO: 'YES_NO' },
    createMenu: (title) => {
      const menu = {
        addItem: (label, name) => { seen.menu.push([label, name]); return menu; },
        addSeparator: () => menu,
        addToUi: () => { seen.menu.unshift(title); }
      };
      return menu;
    },
    alert: (title, text, buttons) => {
      seen.alerts.push(text);
      return buttons === 'OK' ? Button.OK : seen.answers.shift() || Button.NO;
    },
    prompt: (title, text) => {
      seen.alerts.push(text);
      const answer = seen.answers.shift();
      return { getSelectedButton: () => answer === undefined ? Button.CANCEL : Button.OK, getResponseText: () => answer };
    },
    showSidebar: (page) => { seen.sidebar = page.html; }
  };
  const cell = (tab, name) => {
    const key = tab + '!' + name;
    if (!seen.cells.has(key)) seen.cells.set(key, { colour: '#ffffff', note: '' });
    const it = seen.cells.get(key);
    return {
      getBackground: () => it.colour,
      setBackground: (colour) => { it.colour = colour; },
      getNote: () => it.note,
      setNote: (note) => { it.note = note; }
    };
  };
  const sheet = (tab) => ({
    getRange: (name) => {
      if (Number(/\d+/.exec(name)[0]) > 1000) throw new Error('Range not found');
      return cell(tab, name);
    }
  });
  const spreadsheet = {
    getId: () => id,
    getSheetByName: (tab) => tabs.includes(tab) ? sheet(tab) : null,
    toast: (text) => { seen.toasts.push(text); }
  };
  const [user, document] = [new Properties(), new Properties()];
  const script = vm.createContext({
    SpreadsheetApp: { getUi: () => ui, getActiveSpreadsheet: () => spreadsheet, flush: () => {} },
    PropertiesService: { getUserProperties: () => user, getDocumentProperties: () => document },
    HtmlService: { createHtmlOutput: (html) => ({ html, setTitle () { return this; } }) },
    UrlFetchApp: {
      fetch: (url, options) => {
        const { status, type, body } = call(url, options);
        return {
          getResponseCode: () => status,
          getHeaders: () => ({ 'Content-Type': type }),
          getContentText: () => body.toString('utf8'),
          getBlob: () => new Blob(body, type)
        };
      }
    },
    Utilities: {
      base64Encode: (text) => Buffer.from(text).toString('base64'),
      sleep: (milliseconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.min(milliseconds, 50)),
      unzip,
      parseCsv
    }
  });
  vm.runInContext(fs.readFileSync(path.join(__dirname, '..', 'Code.js'), 'utf8'), script);
  return { script, seen, user, document };
}

// words is the text of a page, without its tags.
const words = (html) => html.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]*>/g, ' ').replace(/&#(\d+);/g, (all, code) => String.fromCharCode(code)).replace(/\s+/g, ' ').trim();

module.exports = { call, open, words };
