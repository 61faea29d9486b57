'use strict';
// The story by the keyboard alone: the tab key, enter, blanks and arrows.
const { test, before, after } = require('node:test');
const { launch, open } = require('./visitor.js');
const { keyboard } = require('./hands.js');
const { tell } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the story by the keyboard', async () => {
  const ann = await open(browser, { hands: keyboard, thorough: false });
  await tell(ann);
  await ann.close();
});
