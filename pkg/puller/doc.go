// Package puller pulls spreadsheets from Google Sheets, and billing systems, into data sources, on a
// schedule or when it is asked to.
//
// A pull is an import of mode replace. Its first step freezes what it pulls, page by page, as objects of
// the job. Only a pull that is whole goes on, as an ordinary import of these objects; so plans, undo,
// rejects and kill-safety are those of imports (docs/decisions/0034, 0047). Pages that were read stay
// read: after a kill, or at the end of the time that a function has, another worker goes on at the next
// page.
//
// Of a spreadsheet (files sheet*.go) tabs are frozen as tables; the version of the file is compared before
// the first page and after the last one. Of a billing system (files system*.go) raw objects are frozen,
// and mapped to records then (see package bundle).
//
// What a source pulls from, when, and which pull was the last one, is an item of the table (see
// [Setting]). The package makes no call to Google: a [sheets.Reader] does.
package puller
