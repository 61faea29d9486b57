/**
 * Reseed for Google Sheets: a menu that previews and imports the spreadsheet that is open, and shows
 * the rows that were not imported.
 *
 * Reseed reads the spreadsheet itself. The menu only asks for that, over Reseed's REST API, with a key
 * that is kept in the properties of the user who entered it. Nothing of the spreadsheet is sent from here.
 */

const COLOUR_OF_REJECTS = '#f9cfc4';
const BEGIN_OF_NOTES = 'Reseed: ';
/** How long a call of the menu waits for a job, in milliseconds; Apps Script ends calls after six minutes. */
const LONGEST_WAIT = 270000;
const PAUSE = 2000;
/** How many cells are marked at most, and how many changes the sidebar names. */
const MOST_MARKS = 1000;

/** Adds the menu when a spreadsheet is opened. */
function onOpen () {
  SpreadsheetApp.getUi().createMenu('Reseed')
    .addItem('Preview', 'preview')
    .addItem('Import now', 'importNow')
    .addItem('Show rejects', 'showRejects')
    .addSeparator()
    .addItem('Clear marks', 'clearMarks')
    .addItem('Settings…', 'changeSettings')
    .addToUi();
}

/** Shows what an import would change. Nothing is written. */
function preview () {
  guarded(() => {
    const settings = settingsOrAsk();
    if (settings) showJob(settings, sync(settings, true));
  });
}

/** Imports the spreadsheet. If the import waits for somebody's yes, it asks for it. */
function importNow () {
  guarded(() => {
    const settings = settingsOrAsk();
    if (!settings) return;
    let job = sync(settings, false);
    if (job.status === 'planned' && saysYes(job)) {
      request(settings, 'post', '/v1/imports/' + job.id + '/apply');
      job = waitFor(settings, job.id);
    }
    showJob(settings, job);
  });
}

/** Marks the cells that kept rows out of the last preview or import, and lists the reasons. */
function showRejects () {
  guarded(() => {
    const settings = settingsOrAsk();
    if (!settings) return;
    const id = properties().getProperty(nameFor('job'));
    if (!id) throw new Error('Nothing was previewed or imported from this spreadsheet yet. Choose Preview first.');
    const job = waitFor(settings, id);
    clear();
    if (!job.rejects) {
      showSidebar('No rejects', ['<p>Every row was taken.</p>']);
      return;
    }
    const rejects = rejectsOf(settings, id);
    const marked = mark(rejects);
    const parts = reasonsOf(job);
    if (marked < rejects.length) parts.push('<p>' + marked + ' of ' + rejects.length + ' rows are marked; the others are in tabs or rows that are gone, or beyond the first ' + MOST_MARKS + '.</p>');
    parts.push('<p>Correct the marked cells and choose Import now. <i>Clear marks</i> takes the marks away.</p>');
    showSidebar(rowsOf(job.rejects) + ' not imported', parts);
  });
}

/** Gives marked cells their colours and notes back. */
function clearMarks () {
  guarded(clear);
}

/** Asks for the address, the key and the data source. */
function changeSettings () {
  guarded(askForSettings);
}

// Settings

/** The properties of the user: other people who open the spreadsheet do not see them. */
function properties () {
  return PropertiesService.getUserProperties();
}

/** The name of a property that belongs to the spreadsheet that is open. */
function nameFor (what) {
  return 'reseed.' + what + '.' + SpreadsheetApp.getActiveSpreadsheet().getId();
}

/** Returns the settings {url, key, source}; asks for them if there are none, and returns null if nobody gives them. */
function settingsOrAsk () {
  const settings = {
    url: properties().getProperty('reseed.url'),
    key: properties().getProperty('reseed.key'),
    source: properties().getProperty(nameFor('source'))
  };
  return settings.url && settings.key && settings.source ? settings : askForSettings();
}

function askForSettings () {
  const url = ask('Address of Reseed, such as https://reseed.example.com', properties().getProperty('reseed.url'));
  if (url === null) return null;
  const settings = { url: url.trim().replace(/\/+$/, '') };
  if (!/^https:\/\//.test(settings.url) && !/^http:\/\/(127\.0\.0\.1|localhost)(:|\/|$)/.test(settings.url)) {
    throw new Error('The address must begin with https://, so that nobody reads the key on its way.');
  }
  const before = properties().getProperty('reseed.key');
  const key = ask('API key (an administrator makes one with: reseed keys add NAME)', null, before && 'Leave it empty to keep the one you have.');
  if (key === null) return null;
  settings.key = key.trim() || before;
  if (!settings.key) throw new Error('Without an API key Reseed answers nobody. Ask your administrator for one.');
  const name = ask('Name of the data source that reads this spreadsheet', properties().getProperty(nameFor('source.name')));
  if (name === null) return null;
  const source = sourceNamed(settings, name.trim());
  settings.source = source.uuid;
  properties().setProperties({
    'reseed.url': settings.url,
    'reseed.key': settings.key,
    [nameFor('source')]: source.uuid,
    [nameFor('source.name')]: source.name
  });
  return settings;
}

/** Asks for one line of text. Returns null if the dialogue was closed, and present if the line is empty. */
function ask (question, present, hint) {
  const ui = SpreadsheetApp.getUi();
  const more = present ? 'Now: ' + present : hint || '';
  const answer = ui.prompt('Reseed', question + (more && '\n' + more), ui.ButtonSet.OK_CANCEL);
  if (answer.getSelectedButton() !== ui.Button.OK) return null;
  return answer.getResponseText() || present || '';
}

function sourceNamed (settings, name) {
  const [found] = request(settings, 'get', '/v1/data_sources?name=' + encodeURIComponent(name)).data_sources;
  if (!found) throw new Error('There is no data source "' + name + '". An administrator adds it with: reseed sources add "' + name + '" --system "Google Sheets" --spreadsheet URL');
  return found;
}

// Calls

/**
 * Calls Reseed and returns the answer: what its JSON says, or the blob of another type. An answer that is
 * no success is an error with the message that Reseed gives.
 */
function request (settings, method, path, body) {
  const options = {
    method,
    headers: { Authorization: 'Basic ' + Utilities.base64Encode(settings.key + ':') },
    muteHttpExceptions: true
  };
  if (body) {
    options.contentType = 'application/json';
    options.payload = JSON.stringify(body);
  }
  let response;
  try {
    response = UrlFetchApp.fetch(settings.url + path, options);
  } catch (e) {
    throw new Error('Reseed does not answer at ' + settings.url + '. Check the address in the settings, and that Google can reach it.');
  }
  const status = response.getResponseCode();
  if (status < 200 || status > 299) throw new Error(messageOf(response, status));
  const type = response.getHeaders()['Content-Type'] || '';
  return /json/.test(type) ? JSON.parse(response.getContentText()) : response.getBlob().setContentType(type.split(';')[0]);
}

/** The message of an answer that is no success. */
function messageOf (response, status) {
  try {
    const answer = JSON.parse(response.getContentText());
    const messages = answer.errors ? Object.entries(answer.errors).map(([member, message]) => member + ' ' + message) : [answer.message, answer.error];
    const said = messages.filter((message) => typeof message === 'string').join('; ');
    if (said) return said;
  } catch (e) {
    // a proxy answered
  }
  return status === 401 ? 'Reseed does not know this API key. Enter another one in the settings.' : 'Reseed answered with status ' + status + '.';
}

/** Has the spreadsheet pulled, and waits for the end. Nobody gets mail of a preview. */
function sync (settings, plan) {
  SpreadsheetApp.flush(); // what was typed a moment ago is to be in it
  const job = request(settings, 'post', '/v1/data_sources/' + settings.source + '/syncs', { plan, mail: !plan });
  properties().setProperty(nameFor('job'), job.id);
  return waitFor(settings, job.id);
}

/** Waits until a job has ended or waits for a yes. After some minutes it returns the job as it is then. */
function waitFor (settings, id) {
  const begin = Date.now();
  for (;;) {
    const job = request(settings, 'get', '/v1/imports/' + id);
    if (!['waiting', 'running'].includes(job.status) || Date.now() - begin > LONGEST_WAIT) return job;
    SpreadsheetApp.getActiveSpreadsheet().toast(progressOf(job), 'Reseed', 10);
    Utilities.sleep(PAUSE);
  }
}

function progressOf (job) {
  if (job.status === 'waiting') return 'Waits for another job of this data source.';
  const fraction = job.progress && job.progress.fraction;
  return fraction ? Math.floor(fraction * 100) + ' % done' : rowsOf((job.progress && job.progress.rows_done) || 0) + ' read';
}

/** The rejected rows: [{place, reason}]. */
function rejectsOf (settings, id) {
  const file = request(settings, 'get', '/v1/imports/' + id + '/rejects');
  const blobs = file.getContentType() === 'application/zip' ? Utilities.unzip(file) : [file];
  const rejects = [];
  for (const blob of blobs) {
    const [header, ...rows] = Utilities.parseCsv(blob.getDataAsString().replace(/^\uFEFF/, ''));
    const at = (name) => header.indexOf(name);
    for (const row of rows) rejects.push({ place: row[at('Reject file')], reason: row[at('Reject reason')] });
  }
  return rejects;
}

// Marks

/** Marks cells, and returns how many. How they were is kept in the properties of the document. */
function mark (rejects) {
  const spreadsheet = SpreadsheetApp.getActiveSpreadsheet();
  const kept = [];
  for (const reject of rejects.slice(0, MOST_MARKS)) {
    const cell = cellAt(spreadsheet, reject.place);
    if (!cell) continue;
    const known = kept.find((k) => k.place === reject.place);
    if (known) continue;
    kept.push({ place: reject.place, colour: cell.getBackground(), note: cell.getNote() });
    cell.setBackground(COLOUR_OF_REJECTS);
    cell.setNote(BEGIN_OF_NOTES + reject.reason + (cell.getNote() ? '\n\n' + cell.getNote() : ''));
  }
  keepMarks(kept);
  return kept.length;
}

/** The cell that a place such as 'Line items'!D17 names; null if it is gone. */
function cellAt (spreadsheet, place) {
  const parts = /^(?:'((?:[^']|'')*)'|([^!']+))!([A-Z]+\d+)$/.exec(place || '');
  const sheet = parts && spreadsheet.getSheetByName(parts[1] === undefined ? parts[2] : parts[1].replace(/''/g, "'"));
  if (!sheet) return null;
  try {
    return sheet.getRange(parts[3]);
  } catch (e) {
    return null; // the row was deleted
  }
}

/** Takes all marks away. A cell whose note or colour somebody has changed since keeps the change. */
function clear () {
  const spreadsheet = SpreadsheetApp.getActiveSpreadsheet();
  for (const kept of takeMarks()) {
    const cell = cellAt(spreadsheet, kept.place);
    if (!cell) continue;
    if (cell.getBackground() === COLOUR_OF_REJECTS) cell.setBackground(kept.colour);
    if (cell.getNote().startsWith(BEGIN_OF_NOTES)) cell.setNote(kept.note);
  }
}

/** Properties hold at most 9 KB each, so the marks are kept in several. */
const MARKS_IN_A_PROPERTY = 40;

function keepMarks (kept) {
  const document = PropertiesService.getDocumentProperties();
  for (let n = 0; n * MARKS_IN_A_PROPERTY < kept.length; n++) {
    document.setProperty('reseed.marks.' + n, JSON.stringify(kept.slice(n * MARKS_IN_A_PROPERTY, (n + 1) * MARKS_IN_A_PROPERTY)));
  }
}

function takeMarks () {
  const document = PropertiesService.getDocumentProperties();
  const kept = [];
  for (let n = 0; document.getProperty('reseed.marks.' + n); n++) {
    kept.push(...JSON.parse(document.getProperty('reseed.marks.' + n)));
    document.deleteProperty('reseed.marks.' + n);
  }
  return kept;
}

// What people see

/** Does something, and shows an error as a message instead of a stack. */
function guarded (act) {
  try {
    act();
  } catch (e) {
    const ui = SpreadsheetApp.getUi();
    ui.alert('Reseed', e.message, ui.ButtonSet.OK);
  }
}

/** Asks whether an import that waits may go on. */
function saysYes (job) {
  const ui = SpreadsheetApp.getUi();
  const question = [(job.import && job.import.confirm) || 'This import waits for a yes.', ...sumsOf(job), 'Import it all the same?'].join('\n\n');
  return ui.alert('Reseed', question, ui.ButtonSet.YES_NO) === ui.Button.YES;
}

function showJob (settings, job) {
  const parts = [];
  if (job.error) parts.push('<p class="bad">' + escaped(job.error) + '</p>');
  if (job.import && job.import.confirm && job.status === 'planned') parts.push('<p class="bad">' + escaped(job.import.confirm) + '</p>');
  parts.push(listOf(sumsOf(job)));
  if (job.datasets && Object.keys(job.datasets).length > 0) {
    const changes = request(settings, 'get', '/v1/imports/' + job.id + '/samples').changes;
    if (changes.length > 0) parts.push('<h2>The first changes</h2>', listOf(changes.map((c) => changeText(c, job.status === 'planned'))));
  }
  if (job.notes && job.notes.length > 0) parts.push('<h2>To know</h2>', listOf(job.notes));
  if (job.rejects) parts.push('<h2>' + rowsOf(job.rejects) + ' rejected</h2>', ...reasonsOf(job), '<p>Choose <i>Show rejects</i> to see them in the spreadsheet.</p>');
  parts.push('<p>' + nextOf(job) + '</p>');
  showSidebar(titleOf(job), parts);
}

function titleOf (job) {
  switch (job.status) {
    case 'planned': return 'Preview: nothing is written yet';
    case 'done': return 'Imported';
    case 'failed': return 'Not imported';
    case 'cancelled': return 'Cancelled';
    default: return 'Still at work';
  }
}

function nextOf (job) {
  switch (job.status) {
    case 'planned': return 'If this is right, choose <i>Import now</i>.';
    case 'done': return 'To take it back: <code>reseed undo ' + escaped(job.id) + '</code>';
    case 'waiting':
    case 'running': return 'It goes on by itself. <i>Show rejects</i> waits for its end; <code>reseed jobs ' + escaped(job.id) + '</code> shows how far it is.';
    default: return 'Correct that, and choose <i>Preview</i>.';
  }
}

/** One line a dataset: "customers: 1 changed, 79 unchanged". */
function sumsOf (job) {
  return Object.entries(job.datasets || {}).map(([dataset, counts]) => {
    const said = ['added', 'changed', 'removed', 'rejected', 'unchanged'].filter((action) => counts[action]).map((action) => counts[action] + ' ' + action);
    return dataset.replace(/_/g, ' ') + ': ' + (said.join(', ') || 'no rows');
  });
}

/** One change in words: changed: Customers!B12 name "Acme" → "Acme Ltd". */
function changeText (change, planned) {
  const attributes = change.after || change.before || {};
  const names = Object.keys({ ...change.before, ...change.after }).filter((name) => !name.startsWith('_')).sort();
  const text = (of, name) => of === undefined || of[name] === undefined ? 'nothing' : valueText(name, of[name]);
  const place = change.place || (change.file ? change.file + ' line ' + change.line : '');
  const what = [change.dataset.replace(/_/g, ' '), attributes.external_id === undefined ? '' : valueText('', attributes.external_id)].join(' ').trim();
  const verb = { added: 'added', changed: 'changed', removed: planned ? 'would be removed' : 'removed' }[change.action];
  const fields = change.action === 'changed'
    ? names.filter((name) => text(change.before, name) !== text(change.after, name)).map((name) => name.replace(/_/g, ' ') + ' ' + text(change.before, name) + ' → ' + text(change.after, name))
    : [];
  return verb + ': ' + [what, place].filter(Boolean).join(', ') + (fields.length > 0 ? ': ' + fields.join('; ') : '');
}

/** A value as people read it: times, which are stored as milliseconds in UTC, as dates. */
function valueText (name, value) {
  if (typeof value === 'number' && /(^|_)(at|date|start|end)$/.test(name)) {
    return new Date(value).toISOString().replace('T00:00:00.000Z', '').replace('.000Z', 'Z');
  }
  return typeof value === 'string' ? '"' + value + '"' : JSON.stringify(value);
}

/** Why rows were rejected: HTML, with the first places of each reason. */
function reasonsOf (job) {
  return (job.reasons || []).map((reason) => {
    const name = [reason.dataset && reason.dataset.replace(/_/g, ' '), reason.column].filter(Boolean).join(', ') || 'other reasons';
    const first = reason.first.map((row) => (row.place || row.file + ' line ' + row.line) + ': ' + row.reason);
    return '<p><b>' + escaped(name) + '</b>: ' + rowsOf(reason.count) + '</p>' + listOf(first);
  });
}

function rowsOf (n) {
  return n === 1 ? '1 row' : n + ' rows';
}

/** An HTML list of plain texts. */
function listOf (texts) {
  return texts.length === 0 ? '' : '<ul>' + texts.map((text) => '<li>' + escaped(text) + '</li>').join('') + '</ul>';
}

function escaped (text) {
  return String(text).replace(/[&<>"']/g, (c) => '&#' + c.charCodeAt(0) + ';');
}

function showSidebar (title, parts) {
  const style = '<style>body{font:14px/1.4 sans-serif;margin:12px}h2{font-size:14px;margin:16px 0 4px}ul{margin:4px 0;padding-left:18px}li{overflow-wrap:anywhere}.bad{color:#a50e0e}</style>';
  const page = HtmlService.createHtmlOutput(style + '<h2>' + escaped(title) + '</h2>' + parts.join('')).setTitle('Reseed');
  SpreadsheetApp.getUi().showSidebar(page);
}
