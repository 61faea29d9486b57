// Package later reads and writes stored JSON without losing fields that a later version of this
// code has added.
//
// While a version is deployed, functions of two versions change the same items, and a deployment
// may be rolled back. So each version writes back the fields that it does not know. A struct keeps
// them in a field of type [Fields]:
//
//	type Source struct {
//		Name  string       `json:"name"`
//		Later later.Fields `json:"-"`
//	}
//
// This works for structs within structs, behind pointers and in slices. It does not work for
// structs in maps.
package later
