// Package mover moves a whole account from one table and object store to others: every item and
// object as it is stored, without the API keys. decisions/0028-move.md says why it works like this.
//
// The order of a move, in which every step can be repeated:
//
//  1. A mark takes the place of the directory at the source. Whatever reads the directory is
//     refused from then on. Once requests that had read it before have ended, no job may be
//     waiting or running.
//  2. A mark is put into the target, which must be empty. The source notes that.
//  3. Items are copied in the order of a scan of the source; the mark of the target says how far.
//     Then objects are copied.
//  4. Items of each partition, and each object, are read at both ends and compared.
//  5. The mark of the source says that the move is done. The directory takes the place of the mark
//     at the target.
package mover
