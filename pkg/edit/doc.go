// Package edit keeps what people do to imported records: changed fields, disabled and deleted rows,
// tags, custom attributes, and merges of customers. An edit is an item of its own beside the record
// (invariant I3 in docs/ARCHITECTURE.md): imports neither read nor write edits, and reads lay them
// over the imported data. So if a record goes away and comes back with the same external id, its
// edit applies again. If it does not come back, the edit is an orphan, which can be listed and
// dropped.
//
// Each edit is written on condition of its version. A writer that loses against another one reads
// again and retries. An edit of a manual record carries the manual epoch of its record, so that
// both become invisible together.
//
// A merge is a link from a customer to the one that it was merged into, also across sources.
// Nothing else changes; to unmerge is to remove the link. Links form trees, and people see each
// tree as one customer, its root. A link counts while both its ends are visible and both have it;
// when a part of a tree is erased, the rest shows as separate customers. Links are changed in the
// transaction that changes the directory, so one after another, and they join two roots, so there
// are no cycles.
package edit
