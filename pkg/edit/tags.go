package edit

import (
	"slices"
	"strings"

	"reseed/pkg/fault"
	"reseed/pkg/store"
	"reseed/pkg/table"
)

// MaxTags is the most tags that a customer may have: an item of the table is limited in size.
const MaxTags = 500

// attrTags holds the edit, as a list.
const attrTags = "tags"

func readTags(a table.Attrs) []string {
	v, _ := a.Get(attrTags)
	return v.List()
}

// AddTags adds the tags that the customer lacks. Tags are trimmed; an empty or overlong one, and
// too many of them, are fault.Invalid.
func (c Customer) AddTags(tags ...string) *Change {
	return c.changeTags(func(now []string) ([]string, error) { return withTags(now, tags) })
}

// SetTags replaces all tags of the customer. The rules of AddTags apply.
func (c Customer) SetTags(tags ...string) *Change {
	return c.changeTags(func([]string) ([]string, error) { return withTags(nil, tags) })
}

func withTags(now, more []string) ([]string, error) {
	has := setOf(now)
	for _, t := range more {
		t = strings.TrimSpace(t)
		if err := checkName("tags", t); err != nil {
			return nil, err
		}
		if !has[t] {
			has[t] = true
			now = append(now, t)
		}
		if len(now) > MaxTags {
			return nil, fault.Newf(fault.Invalid, "too_many_tags", "a customer has at most %d tags", MaxTags)
		}
	}
	return now, nil
}

// RemoveTags removes tags. A tag that the customer lacks is not an error.
func (c Customer) RemoveTags(tags ...string) *Change {
	gone := map[string]bool{}
	for _, t := range tags {
		gone[strings.TrimSpace(t)] = true
	}
	return c.changeTags(func(now []string) ([]string, error) {
		return slices.DeleteFunc(now, func(t string) bool { return gone[t] }), nil
	})
}

func setOf(list []string) map[string]bool {
	set := make(map[string]bool, len(list))
	for _, s := range list {
		set[s] = true
	}
	return set
}

func (c Customer) changeTags(change func([]string) ([]string, error)) *Change {
	ch := &Change{target: c.target(store.EditTags)}
	ch.show = func(e *Edits) { e.Tags = ch.Tags }
	ch.apply = func(_ *Edit, was table.Attrs, b *table.Builder) (bool, []table.Write, error) {
		var err error
		if ch.Tags, err = change(readTags(was)); err != nil {
			return false, nil, err
		}
		b.List(attrTags, ch.Tags)
		return len(ch.Tags) > 0, nil, nil
	}
	return ch
}
