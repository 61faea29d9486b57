package records_test

import (
	"encoding/json"
	"testing"

	"reseed/pkg/source"
	"reseed/pkg/source/records"
	"reseed/pkg/source/sourcetest"
)

// spell writes a record as encoding/json does, without empty members.
func spell(members map[string]any) string {
	for name, v := range members {
		if v == "" {
			delete(members, name)
		}
	}
	text, _ := json.Marshal(members)
	return string(text) + "\n"
}

func TestFormat(t *testing.T) {
	t.Parallel()
	for name, dataset := range map[string]string{"named last": "", "named first": `"dataset":"customers",`} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sourcetest.Run(t, sourcetest.Spelling{
				Format: records.Format{},
				Customer: func(id, name, email string) string {
					members := map[string]any{"external_id": id, "name": name, "email": email}
					if dataset == "" {
						members["z"], members["dataset"] = "", "customers"
					}
					return "{" + dataset + spell(members)[1:]
				},
				Broken: `{"dataset":"customers","name":"x"` + "\n", Code: source.CodeBadJSON, Within: "x", Column: "email", Blank: " \t\r\n",
			})
		})
	}
}
