'use strict';
// What examine looks for, it finds: each page here has one fault.
const { test, before, after } = require('node:test');
const assert = require('node:assert/strict');
const { launch } = require('./visitor.js');
const { examine } = require('./examine.js');

let browser;
before(async () => { browser = await launch(); });
after(() => browser.close());

const page = (title, main, style = '') => `<!doctype html><html lang="en"><title>${title}</title><meta name="viewport" content="width=device-width">
<style>:focus-visible { outline: 3px solid } ${style}</style><main><h1>${title}</h1>${main}</main></html>`;

const faults = {
  'no title': page('', '<p>Text</p>'),
  'first headings': page('Headings', '<h1>Another</h1>'),
  'without a caption': page('Captions', '<table><tr><th scope="col">A</table>'),
  'inline style': page('Styles', '<p style="margin: 0">Text</p>'),
  'without action': page('Forms', '<form method="post"><button>Go</button></form>'),
  '390 px wide: the page scrolls sideways': page('Phones', '<p class="wide">Text</p>', '@media (min-width: 350px) and (max-width: 400px) { .wide { width: 600px } }'),
  '320 px wide: the page scrolls sideways': page('Reflow', '<p class="wide">Text</p>', '.wide { width: 350px }'),
  'axe, light: color-contrast': page('Contrast', '<p class="pale">Text</p>', '@media (prefers-color-scheme: light) { .pale { color: #bbb; background: #fff } }'),
  'axe, dark: color-contrast': page('Dark', '<p class="pale">Text</p>', '@media (prefers-color-scheme: dark) { .pale { color: #444; background: #000 } }'),
  'axe, light: label': page('Labels', '<input type="text">'),
  'axe, light: target-size': page('Targets', '<button>a</button><button>b</button>', 'button { all: unset; width: 9px; height: 9px } button:focus-visible { outline: 3px solid }'),
  'the tab key comes to 1 of 2': page('Order', '<a href="/a">First</a> <a href="/b" tabindex="3">Second</a>'),
  'cannot be seen': page('Focus', '<a href="/a" class="quiet">First</a>', '.quiet:focus-visible { outline: none }'),
  'is covered': page('Covers', '<a href="/a">First</a><div class="cover"></div>', '.cover { position: fixed; inset: 0; }'),
  'no border': page('Colours', '<button>Go</button>', 'button { border: 0; min-height: 2rem }'),
  moves: page('Motion', '<p class="slow">Text</p>', '.slow { transition: color 1s }'),
  'text of 200 %': page('Text', '<p class="wide">Text</p>', '.wide { width: 50rem } @media (max-width: 1000px) { .wide { width: auto } }')
};

for (const [fault, html] of Object.entries(faults)) {
  test(fault, async () => {
    const tab = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await tab.setContent(html);
    const found = await examine({ page: tab, scripts: true });
    assert.ok(found.some(complaint => complaint.includes(fault)), JSON.stringify(found));
    await tab.close();
  });
}

test('nothing wrong', async () => {
  const tab = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await tab.setContent(page('Fine', '<p>Text</p><form method="post" action="/a"><label>Name <input name="a"></label> <button>Go</button></form>', 'button, input { min-height: 2rem; border: 1px solid }'));
  assert.deepEqual(await examine({ page: tab, scripts: true }), []);
  await tab.close();
});
