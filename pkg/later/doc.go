// Package later reads and writes stored JSON without losing what a later version of this code has put into it.
//
// While a version is deployed, functions of two versions change the same items, and a version may be taken back. So a
// version writes back the fields of an item that it does not know. A struct says where they are kept by a field of type
// [Fields]:
//
//	type Source struct {
//		Name  string       `json:"name"`
//		Later later.Fields `json:"-"`
//	}
//
// That goes for structs within structs, behind pointers and in slices; for those in maps it does not.
package later
