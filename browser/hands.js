'use strict';
// How a visitor presses and types: with a mouse, or with the keyboard alone.
const assert = require('node:assert/strict');

const mouse = {
  press: (page, control) => control.click(),
  fill: (page, field, text) => field.fill(text),
  tick: (page, field) => field.check(),
  choose: (page, field, option) => field.selectOption({ label: option }),
  attach: (page, field, files) => field.setInputFiles(files)
};

// focus moves the focus with the tab key, as far as it takes: on through the page, and once around it.
async function focus (page, control) {
  const focused = () => control.evaluate(element => element === document.activeElement ||
    (element.type === 'radio' && document.activeElement.type === 'radio' && document.activeElement.name === element.name));
  for (let presses = 0; presses < 1000; presses++) {
    if (await focused()) return;
    await page.keyboard.press('Tab');
  }
  assert.fail(`the tab key never comes to ${await control.evaluate(element => element.outerHTML)}`);
}

const keyboard = {
  async press (page, control) {
    await focus(page, control);
    await page.keyboard.press('Enter');
  },
  async fill (page, field, text) {
    await focus(page, field);
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.press('Delete');
    await page.keyboard.type(text);
  },
  async tick (page, field) {
    await focus(page, field);
    // Arrows go from one of a group to the next, and a blank ticks what has the focus.
    for (let presses = 0; presses < 20 && !await field.isChecked(); presses++) {
      const isGroup = await field.evaluate(element => element.type === 'radio' && element !== document.activeElement);
      await page.keyboard.press(isGroup ? 'ArrowDown' : 'Space');
    }
    assert.ok(await field.isChecked(), `the keyboard does not tick ${await field.evaluate(element => element.outerHTML)}`);
  },
  async choose (page, field, option) {
    await focus(page, field);
    await page.keyboard.type(option);
    assert.equal(await field.evaluate(element => element.selectedOptions[0].label), option);
  },
  async attach (page, field, files) {
    await focus(page, field);
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.keyboard.press('Enter')]);
    await chooser.setFiles(files);
  }
};

module.exports = { mouse, keyboard };
