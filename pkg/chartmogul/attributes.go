package chartmogul

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"

	"reseed/pkg/edit"
)

// textCustom is what custom attributes of the wrong shape are answered with.
const textCustom = "must be a list of objects with type, key and value"

type tagsWire struct {
	Tags []string `json:"tags"`
}

type customWire struct {
	Custom map[string]any `json:"custom"`
}

// getAttributes is GET /customers/:uuid/attributes: top level, without an envelope.
func getAttributes(c *call) (reply, error) {
	_, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: attributesOf(row.group)}, nil
}

// Of a merged customer, what is added goes to the one that the others were merged into, and what is removed is
// removed from all.

// editing is a source customer that is edited by who asks.
type editing struct {
	m *edit.Member
	c edit.Customer
}

func (c *call) editing(m *edit.Member) editing { return editing{m, m.Customer().By(c.author)} }

func (e editing) add(tags []string) customerEdit { return customerEdit{e.m, e.c.AddTags(tags...)} }

func (e editing) set(values map[string]edit.Value) customerEdit {
	return customerEdit{e.m, e.c.Set(values)}
}

// putCustomOf keeps the types that attributes have, with whichever member.
func (c *call) putCustomOf(g edit.Group, values map[string]edit.Untyped) customerEdit {
	for name, v := range g.Attributes() {
		if raw, ok := values[name]; ok {
			raw.Type = v.Type
			values[name] = raw
		}
	}
	return customerEdit{g[0], c.editing(g[0]).c.Put(values)}
}

func (c *call) removeTagsOf(g edit.Group, tags []string) (list []customerEdit) {
	for _, m := range g {
		list = append(list, customerEdit{m, c.editing(m).c.RemoveTags(tags...)})
	}
	return list
}

func (c *call) removeCustomOf(g edit.Group, names []string) (list []customerEdit) {
	for _, m := range g {
		list = append(list, customerEdit{m, c.editing(m).c.Remove(names...)})
	}
	return list
}

// edited reads the request's body and its customer, and makes what change makes of the two.
func (c *call) edited(member string, change func(*fields, edit.Group) []customerEdit) (g edit.Group, err error) {
	f, err := c.body()
	if err != nil {
		return nil, err
	}
	if err := f.require(member); err != nil {
		return nil, err
	}
	return g, c.settled(func() error {
		a, row, err := c.customer(c.PathValue("uuid"))
		if err != nil {
			return err
		}
		list := change(f, row.group)
		if err := f.refused(); err != nil {
			return err
		}
		g = row.group
		return c.edit(a, list)
	})
}

func tagsReply(g edit.Group, err error) (reply, error) {
	return reply{status: http.StatusOK, body: tagsWire{tagsOf(g.Tags())}}, err
}

func customReply(g edit.Group, err error) (reply, error) {
	return reply{status: http.StatusOK, body: customWire{edit.Custom(g.Attributes())}}, err
}

// addTags is POST /customers/:uuid/attributes/tags.
func addTags(c *call) (reply, error) {
	return tagsReply(c.edited("tags", func(f *fields, g edit.Group) []customerEdit {
		return []customerEdit{c.editing(g[0]).add(f.texts("tags", edit.MaxTags))}
	}))
}

// removeTags is DELETE /customers/:uuid/attributes/tags.
func removeTags(c *call) (reply, error) {
	return tagsReply(c.edited("tags", func(f *fields, g edit.Group) []customerEdit { return c.removeTagsOf(g, f.texts("tags", edit.MaxTags)) }))
}

// addCustom is POST /customers/:uuid/attributes/custom: a list, each with its type.
func addCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) []customerEdit {
		return []customerEdit{c.editing(g[0]).set(readCustomList(f, "custom"))}
	}))
}

// setCustom is PUT /customers/:uuid/attributes/custom: a map without types.
func setCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) []customerEdit {
		return []customerEdit{c.putCustomOf(g, readCustomMap(f, "custom"))}
	}))
}

// removeCustom is DELETE /customers/:uuid/attributes/custom: a list of keys. It answers with
// a body, since Go's and PHP's clients decode one.
func removeCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) []customerEdit {
		return c.removeCustomOf(g, f.texts("custom", edit.MaxAttributes))
	}))
}

// readCustomList reads [{type, key, value, source}, …].
func readCustomList(f *fields, name string) map[string]edit.Value {
	out := map[string]edit.Value{}
	for _, raw := range f.list(name, edit.MaxAttributes) {
		o, ok := parseFields(raw, f.prefix+name+".", f.errs)
		if !ok {
			f.fail(name, textCustom)
			return nil
		}
		typ, err := edit.ParseType(o.text("type"))
		o.complain("type", err)
		v, err := edit.NewValue(typ, jsonValue(o.raw["value"]), o.text("source"))
		if typ != "" {
			o.complain("value", err)
		}
		out[o.needed("key")] = v
	}
	return out
}

// readCustomMap reads {key: value, …} or {key: {value, source}, …}.
func readCustomMap(f *fields, name string) map[string]edit.Untyped {
	out := map[string]edit.Untyped{}
	o := f.object(name)
	if o == nil {
		f.fail(name, "must be an object")
		return nil
	}
	if len(o.raw) > edit.MaxAttributes {
		f.fail(name, fmt.Sprintf(textTooMany, edit.MaxAttributes))
		return nil
	}
	for key, raw := range o.raw {
		if in, ok := parseFields(raw, o.prefix+key+".", f.errs); ok {
			out[key] = edit.Untyped{Value: jsonValue(in.raw["value"]), Source: in.text("source")}
			continue
		}
		out[key] = edit.Untyped{Value: jsonValue(raw)}
	}
	return out
}

// complain notes an error of the domain about a member.
func (f *fields) complain(name string, err error) {
	if err != nil {
		f.checked(name, "", err)
	}
}

// jsonValue decodes a JSON value, its numbers as they are written.
func jsonValue(raw []byte) any {
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return nil
	}
	return v
}

// byEmail does the same to every customer of an e-mail address and answers with all of them. If there are so many that it takes
// several transactions, and it is cut between them, the same once more completes it.
func (c *call) byEmail(member string, read func(*fields), change func(editing) customerEdit) (ans reply, err error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("email", member); err != nil {
		return reply{}, err
	}
	email := f.needed("email")
	read(f)
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	return ans, c.settled(func() error {
		a, err := c.account()
		if err != nil {
			return err
		}
		page, err := c.customersByEmail(a, email, paging{size: maxPage})
		if err != nil {
			return err
		}
		if len(page) > maxPage {
			return refused(map[string]string{"email": fmt.Sprintf(textTooManyOwners, maxPage)})
		}
		if len(page) == 0 {
			return nobody(email)
		}
		list := make([]customerEdit, len(page))
		for i, s := range page {
			list[i] = change(c.editing(s.group[0]))
		}
		err = c.edit(a, list)
		ans = reply{status: http.StatusOK, body: listed{name: "entries", records: c.entries(page, &paged{})}}
		return err
	})
}

// addTagsByEmail is POST /customers/attributes/tags.
func addTagsByEmail(c *call) (reply, error) {
	var tags []string
	return c.byEmail("tags", func(f *fields) {
		tags = f.texts("tags", edit.MaxTags)
	}, func(e editing) customerEdit { return e.add(tags) })
}

// addCustomByEmail is POST /customers/attributes/custom.
func addCustomByEmail(c *call) (reply, error) {
	var values map[string]edit.Value
	return c.byEmail("custom", func(f *fields) {
		values = readCustomList(f, "custom")
	}, func(e editing) customerEdit { return e.set(values) })
}
