// Package edit keeps what people do to imported records: changed fields, disabled
// and deleted rows, tags, custom attributes, and merges of customers. An edit is an
// item of its own beside the record (I3): an import never reads or writes one, reads lay edits
// over the data. So an edit whose record goes away and comes back with the same
// external id is there again, and one whose record does not come back is an
// orphan, which can be listed and dropped.
//
// Each edit is changed on condition of its version, again and again until
// nobody was in between. An edit of a manual record carries the manual epoch of its
// record, so that it becomes invisible with it.
//
// A merge is a link from a customer to the one it was merged into, also across
// sources; nothing else changes, so to unmerge is to take the link away. Links
// form trees, and what people see as one customer is a tree under its root. A link counts
// as long as both its ends are visible and agree on it: what is left of a tree when a part is
// erased shows as customers of their own. All links are changed with the directory, one after
// the other, and only from root to root: so there are no cycles.
package edit
