// Package records is the source.Format of NDJSON files. Each line is a record: a JSON object with
// the fields of its dataset (docs/FORMATS.md).
//
//		{"dataset":"customers","external_id":"c1","name":"Ann"}
//
//	  - A line ends with LF or CRLF, the last one with either or neither. Lines of white space are skipped; lines are counted always.
//	    A byte order mark before the first line is skipped.
//	  - "dataset" may stand anywhere in the line. Lines of several datasets may follow one another in any order. A line that names
//	    none is of the dataset that the file was said to hold.
//	  - A line is UTF-8, and at most source.MaxRecord bytes long. What it holds is flat: no field is a list or an object, but for
//	    custom_attributes. "_reject", which rejects files have, may be anything, and is ignored.
//	  - A member that stands twice, that the dataset does not have, or that is of another type is a reject, and so is a line that is
//	    no JSON object. None is guessed at: 1e3, 1.0 and "100" are no number of cents.
//	  - Which dataset a line is of depends on the line only, so that it is counted once wherever the file is cut.
//
// Of a file that a pull has written, a line with _reject is a reject for the reason that stands there (frozen.go).
//
// lines.go finds lines, object.go takes one apart, format.go makes rows and records of them, and
// rejects.go writes them back.
package records
