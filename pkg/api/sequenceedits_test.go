package api_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"pgregory.net/rapid"
)

// This file has the actions of a walk that edit records.

func (w *walk) editSome(t *rapid.T) {
	p := draw(t, "record", w.records(rapid.SampledFrom([]string{"c", "p", "i", "lt", "cpilt"}).Draw(t, "kinds")))
	choices := map[string]map[string][]string{
		"c": {"name": {"New", ""}, "email": {"new@example.com", "shared@example.com", ""}, "company": {"Acme", "Other", ""}},
		"p": {"name": {"New", "gold 0", "iron 1"}, "count": {"1", "9"}},
		"i": {"date": {"2025-06-01", day(0, "i1"), "2024-01-01"}, "status": {"open", "paid", "refunded"}},
		"l": {"amount": {"7", "100", "202"}}, "t": {"amount": {"7", "1"}, "result": {"failed", "successful"}},
	}[kindOf(p.id)]
	name := rapid.SampledFrom(sorted(choices)).Draw(t, "field")
	value := rapid.SampledFrom(choices[name]).Draw(t, "value")
	body := object{map[string]string{"amount": "amount_in_cents", "count": "interval_count"}[name] + strings.TrimPrefix(strings.TrimPrefix(name, "amount"), "count"): value}
	if name == "name" && value == "" {
		return // the invoice would show the company
	}
	asEdit := strings.Contains("cp", kindOf(p.id)) || rapid.IntRange(0, 3).Draw(t, "as edit") > 0
	if !strings.Contains("cp", kindOf(p.id)) && asEdit {
		body["handle_as_user_edit"] = true
	}
	if n, err := strconv.Atoi(value); err == nil {
		for k, v := range body {
			if v == value {
				body[k] = n
			}
		}
	}
	if !w.there(p) {
		w.expect(404, "PATCH", w.path(p, ""), encoded(body))
		return
	}
	w.expect(map[bool]int{true: 202, false: 200}[kindOf(p.id) == "p"], "PATCH", w.path(p, ""), encoded(body))
	if asEdit {
		w.w.editField(p.s, p.id, name, value, w.milli())
		return
	}
	r, _ := w.w.row(p.s, p.id)
	p.s.data[p.id] = r.with(name, value)
}

func sorted[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// disable hides a record, shows it again or deletes it, all as an edit.
func (w *walk) disable(t *rapid.T) {
	p := draw(t, "record", w.records("ilt"))
	what := rapid.SampledFrom([]string{"disable", "disable", "enable", "delete"}).Draw(t, "what")
	there := w.there(p)
	status := map[bool]int{true: 200, false: 404}[there]
	switch what {
	case "delete":
		w.expect(map[bool]int{true: 204, false: 404}[there], "DELETE", w.path(p, "")+"&handle_as_user_edit=true", "")
	case "disable":
		w.expect(status, "PATCH", w.path(p, "/disabled_state"), `{"disabled":true}`)
	case "enable":
		w.expect(status, "PATCH", w.path(p, "/disabled_state"), `{"disabled":false}`)
	}
	if there {
		w.w.change(p.s, p.id, "fields", w.milli(), func(e *editItem) {
			if what == "delete" {
				e.deleted = true
			} else {
				e.disabled = what == "disable"
			}
		})
	}
}

// ofRoot draws a customer, skipping those that are merged into another.
func (w *walk) ofRoot(t *rapid.T) place {
	p := draw(t, "customer", w.records("c"))
	if !w.there(p) {
		w.expect(404, "GET", w.path(p, ""), "")
		t.Skip("it is merged into another")
	}
	return p
}

func (w *walk) tag(t *rapid.T) {
	p := w.ofRoot(t)
	tag := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "tag")
	add := rapid.IntRange(0, 2).Draw(t, "add") > 0
	w.expect(200, map[bool]string{true: "POST", false: "DELETE"}[add], w.path(p, "")+"/attributes/tags", fmt.Sprintf(`{"tags":[%q]}`, tag))
	members := w.w.group(p.ref())
	if add {
		members = members[:1]
	}
	for _, m := range members {
		w.w.change(w.w.byTag(m.tag), customerOf(m.ext), "tags", w.milli(), func(e *editItem) {
			if add {
				e.tags = union(e.tags, []string{tag})
			} else {
				e.tags = slices.DeleteFunc(slices.Clone(e.tags), func(s string) bool { return s == tag })
			}
		})
	}
}

// patch changes a field, the tags and a custom attribute of a customer in one request.
func (w *walk) patch(t *rapid.T) {
	p := w.ofRoot(t)
	name, tags := fmt.Sprint("New ", rapid.IntRange(1, 2).Draw(t, "name")), rapid.SampledFrom([][]string{{"a"}, {"b", "c"}}).Draw(t, "tags")
	value := rapid.IntRange(1, 3).Draw(t, "value")
	w.expect(200, "PATCH", w.path(p, ""), encoded(object{"name": name, "attributes": object{"tags": tags, "custom": object{"n": value}}}))
	w.w.editField(p.s, p.id, "name", name, w.milli())
	w.w.change(p.s, p.id, "custom", w.milli(), func(e *editItem) { e.put("n", value) })
	for i, m := range w.w.group(p.ref()) {
		w.w.change(w.w.byTag(m.tag), customerOf(m.ext), "tags", w.milli(), func(e *editItem) {
			if i == 0 {
				e.tags = tags
			} else {
				e.tags = slices.DeleteFunc(slices.Clone(e.tags), func(s string) bool { return !slices.Contains(tags, s) })
			}
		})
	}
}

func (w *walk) attribute(t *rapid.T) {
	p := w.ofRoot(t)
	name, value := rapid.SampledFrom([]string{"m", "n"}).Draw(t, "name"), rapid.IntRange(1, 3).Draw(t, "value")
	path := w.path(p, "") + "/attributes/custom"
	if rapid.IntRange(0, 2).Draw(t, "set") > 0 {
		w.expect(200, "POST", path, fmt.Sprintf(`{"custom":[{"type":"Integer","key":%q,"value":%d}]}`, name, value))
		w.w.change(p.s, p.id, "custom", w.milli(), func(e *editItem) { e.put(name, value) })
		return
	}
	w.expect(200, "DELETE", path, fmt.Sprintf(`{"custom":[%q]}`, name))
	for _, m := range w.w.group(p.ref()) {
		w.w.change(w.w.byTag(m.tag), customerOf(m.ext), "custom", w.milli(), func(e *editItem) { delete(e.custom, name) })
	}
}

func (w *walk) join(t *rapid.T) {
	from, into := draw(t, "from", w.records("c")), draw(t, "into", w.records("c"))
	name := func(p place) string {
		return fmt.Sprintf(`{"data_source_uuid":%q,"external_id":%q}`, p.s.uuid, p.id[2:])
	}
	a, b := w.w.root(from.ref()), w.w.root(into.ref())
	w.expect(map[bool]int{true: 422, false: 202}[a == b], "POST", "/v1/customers/merges", fmt.Sprintf(`{"from":%s,"into":%s}`, name(from), name(into)))
	if a != b {
		w.w.merge(a, b, w.milli())
	}
}

func (w *walk) split(t *rapid.T) {
	list := w.records("c")
	if merged := slices.DeleteFunc(slices.Clone(list), w.there); len(merged) > 0 {
		list = merged
	}
	p := draw(t, "part", list)
	root := w.w.root(p.ref())
	w.expect(map[bool]int{true: 422, false: 202}[root == p.ref()], "POST", "/v1/customers/unmerges",
		fmt.Sprintf(`{"customer_uuid":%q,"data_source_uuid":%q,"external_id":%q}`, w.customerID(root), p.s.uuid, p.id[2:]))
	if root != p.ref() {
		w.w.untie(p.ref(), w.milli())
	}
}
