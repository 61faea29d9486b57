// Package puller pulls spreadsheets from Google Sheets into data sources, on a schedule or when it is
// asked to.
//
// A pull is an import of mode replace. Its first step freezes what it pulls: tab by tab and page by
// page, as objects of the job. Only a pull that is whole goes on, as an ordinary import of these
// objects; so plans, undo, rejects and kill-safety are those of imports (docs/decisions/0034). Pages
// that were read stay read: after a kill, or at the end of the time that a function has, another
// worker goes on at the next page. The version of the file is compared before the first page and after
// the last one.
//
// What a source pulls from, when, and which pull was the last one, is an item of the table (see
// [Setting]). The package makes no call to Google: a [sheets.Reader] does.
package puller
