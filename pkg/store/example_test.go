package store_test

import (
	"fmt"

	"reseed/pkg/billing"
	"reseed/pkg/store"
)

// What the list says of the kind of record that rows of a dataset become.
func ExampleKindFor() {
	k := store.KindFor(billing.LineItems)
	fmt.Println(k.Kind, "is part of", k.Parent().Kind)
	for _, p := range k.Pointers {
		fmt.Println("pointers begin with", p.To)
	}
	// Output:
	// line_item is part of invoice
	// pointers begin with x#
}
