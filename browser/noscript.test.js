'use strict';
// The story without scripts, on a phone's screen.
const { test, before, after } = require('node:test');
const { launch, open } = require('./visitor.js');
const { tell } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the story without scripts, on a phone', async () => {
  const ann = await open(browser, { javaScriptEnabled: false, thorough: false, viewport: { width: 390, height: 800 } });
  await tell(ann);
  await ann.close();
});
