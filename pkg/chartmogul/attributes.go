package chartmogul

import (
	"bytes"
	"encoding/json"
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

// editing names a source customer for an edit by who asks.
func (c *call) editing(m *edit.Member) edit.Customer { return m.Customer().By(c.author) }

// Of a merged customer, what is added goes to the one that the others were merged into, and what is removed is
// removed from all.

func (c *call) addTagsTo(m *edit.Member, tags []string) (err error) {
	m.Edits.Tags, err = c.Edits.AddTags(c.Context(), c.editing(m), tags...)
	return err
}

func (c *call) setCustomOf(m *edit.Member, values map[string]edit.Value) (err error) {
	m.Edits.Attributes, err = c.Edits.Set(c.Context(), c.editing(m), values)
	return err
}

// putCustomOf keeps the types that attributes have, with whichever member.
func (c *call) putCustomOf(g edit.Group, values map[string]edit.Untyped) (err error) {
	for name, v := range g.Attributes() {
		if raw, ok := values[name]; ok {
			raw.Type = v.Type
			values[name] = raw
		}
	}
	g[0].Edits.Attributes, err = c.Edits.Put(c.Context(), c.editing(g[0]), values)
	return err
}

func (c *call) removeTagsOf(g edit.Group, tags []string) (err error) {
	for _, m := range g {
		if m.Edits.Tags, err = c.Edits.RemoveTags(c.Context(), c.editing(m), tags...); err != nil {
			return err
		}
	}
	return nil
}

func (c *call) removeCustomOf(g edit.Group, names []string) (err error) {
	for _, m := range g {
		if m.Edits.Attributes, err = c.Edits.Remove(c.Context(), c.editing(m), names...); err != nil {
			return err
		}
	}
	return nil
}

// edited reads the request's body and its customer, and lets change make something of the two.
func (c *call) edited(member string, change func(*fields, edit.Group) error) (edit.Group, error) {
	f, err := c.body()
	if err != nil {
		return nil, err
	}
	if err := f.require(member); err != nil {
		return nil, err
	}
	_, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return nil, err
	}
	return row.group, change(f, row.group)
}

func tagsReply(g edit.Group, err error) (reply, error) {
	return reply{status: http.StatusOK, body: tagsWire{tagsOf(g.Tags())}}, err
}

func customReply(g edit.Group, err error) (reply, error) {
	return reply{status: http.StatusOK, body: customWire{edit.Custom(g.Attributes())}}, err
}

// addTags is POST /customers/:uuid/attributes/tags.
func addTags(c *call) (reply, error) {
	return tagsReply(c.edited("tags", func(f *fields, g edit.Group) error {
		tags := f.texts("tags")
		if err := f.refused(); err != nil {
			return err
		}
		return c.addTagsTo(g[0], tags)
	}))
}

// removeTags is DELETE /customers/:uuid/attributes/tags.
func removeTags(c *call) (reply, error) {
	return tagsReply(c.edited("tags", func(f *fields, g edit.Group) error {
		tags := f.texts("tags")
		if err := f.refused(); err != nil {
			return err
		}
		return c.removeTagsOf(g, tags)
	}))
}

// addCustom is POST /customers/:uuid/attributes/custom: a list, each with its type.
func addCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) error {
		values := readCustomList(f, "custom")
		if err := f.refused(); err != nil {
			return err
		}
		return c.setCustomOf(g[0], values)
	}))
}

// setCustom is PUT /customers/:uuid/attributes/custom: a map without types.
func setCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) error {
		values := readCustomMap(f, "custom")
		if err := f.refused(); err != nil {
			return err
		}
		return c.putCustomOf(g, values)
	}))
}

// removeCustom is DELETE /customers/:uuid/attributes/custom: a list of keys. It answers with
// a body, since Go's and PHP's clients decode one.
func removeCustom(c *call) (reply, error) {
	return customReply(c.edited("custom", func(f *fields, g edit.Group) error {
		keys := f.texts("custom")
		if err := f.refused(); err != nil {
			return err
		}
		return c.removeCustomOf(g, keys)
	}))
}

// readCustomList reads [{type, key, value, source}, …].
func readCustomList(f *fields, name string) map[string]edit.Value {
	out := map[string]edit.Value{}
	for _, raw := range f.list(name) {
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

// byEmail does the same to every customer of an e-mail address and answers with all of them.
func (c *call) byEmail(member string, read func(*fields), change func(*edit.Member) error) (reply, error) {
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
	a, err := c.account()
	if err != nil {
		return reply{}, err
	}
	page, err := c.customersByEmail(a, email, paging{})
	if err != nil {
		return reply{}, err
	}
	if len(page) == 0 {
		return reply{}, nobody(email)
	}
	for _, s := range page {
		if err := change(s.group[0]); err != nil {
			return reply{}, err
		}
	}
	return reply{status: http.StatusOK, body: customerEntries{c.customerWires(page)}}, nil
}

// addTagsByEmail is POST /customers/attributes/tags.
func addTagsByEmail(c *call) (reply, error) {
	var tags []string
	return c.byEmail("tags", func(f *fields) {
		tags = f.texts("tags")
	}, func(m *edit.Member) error { return c.addTagsTo(m, tags) })
}

// addCustomByEmail is POST /customers/attributes/custom.
func addCustomByEmail(c *call) (reply, error) {
	var values map[string]edit.Value
	return c.byEmail("custom", func(f *fields) {
		values = readCustomList(f, "custom")
	}, func(m *edit.Member) error { return c.setCustomOf(m, values) })
}
