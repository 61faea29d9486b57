'use strict';
// The story with a mouse, on a desk. Each kind of page is examined on the way.
const { test, before, after } = require('node:test');
const { launch, open } = require('./visitor.js');
const { tell } = require('./story.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

test('the story with a mouse', async () => {
  const ann = await open(browser);
  await tell(ann);
  await ann.close();
});
