// Package edit keeps what people add to imported customers: tags and custom
// attributes. An edit is an item of its own beside the customer (I3): an
// import never reads or writes one, reads lay edits over the data.
//
// Each edit is changed on condition of its version, again and again until
// nobody was in between. An edit of a manual customer carries the manual epoch of its
// customer, so that it becomes invisible with it.
package edit
