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
	return reply{status: http.StatusOK, body: attributesOf(row.edits)}, nil
}

// edited reads the request's body and its customer, and answers with what change makes of the two.
func (c *call) edited(member string, change func(*fields, edit.Customer) (any, error)) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require(member); err != nil {
		return reply{}, err
	}
	_, row, err := c.customer(c.PathValue("uuid"))
	if err != nil {
		return reply{}, err
	}
	body, err := change(f, edit.Of(row.src.Space(), row.h, row.attrs))
	return reply{status: http.StatusOK, body: body}, err
}

// addTags is POST /customers/:uuid/attributes/tags.
func addTags(c *call) (reply, error) {
	return c.edited("tags", func(f *fields, who edit.Customer) (any, error) {
		tags := f.texts("tags")
		if err := f.refused(); err != nil {
			return nil, err
		}
		all, err := c.Edits.AddTags(c.Context(), who, tags...)
		return tagsWire{tagsOf(all)}, err
	})
}

// removeTags is DELETE /customers/:uuid/attributes/tags.
func removeTags(c *call) (reply, error) {
	return c.edited("tags", func(f *fields, who edit.Customer) (any, error) {
		tags := f.texts("tags")
		if err := f.refused(); err != nil {
			return nil, err
		}
		left, err := c.Edits.RemoveTags(c.Context(), who, tags...)
		return tagsWire{tagsOf(left)}, err
	})
}

// addCustom is POST /customers/:uuid/attributes/custom: a list, each with its type.
func addCustom(c *call) (reply, error) {
	return c.edited("custom", func(f *fields, who edit.Customer) (any, error) {
		values := readCustomList(f, "custom")
		if err := f.refused(); err != nil {
			return nil, err
		}
		all, err := c.Edits.Set(c.Context(), who, values)
		return customOf(all), err
	})
}

// setCustom is PUT /customers/:uuid/attributes/custom: a map without types.
func setCustom(c *call) (reply, error) {
	return c.edited("custom", func(f *fields, who edit.Customer) (any, error) {
		values := readCustomMap(f, "custom")
		if err := f.refused(); err != nil {
			return nil, err
		}
		all, err := c.Edits.Put(c.Context(), who, values)
		return customOf(all), err
	})
}

// removeCustom is DELETE /customers/:uuid/attributes/custom: a list of keys. It answers with
// a body, since Go's and PHP's clients decode one.
func removeCustom(c *call) (reply, error) {
	return c.edited("custom", func(f *fields, who edit.Customer) (any, error) {
		keys := f.texts("custom")
		if err := f.refused(); err != nil {
			return nil, err
		}
		left, err := c.Edits.Remove(c.Context(), who, keys...)
		return customOf(left), err
	})
}

func customOf(values map[string]edit.Value) customWire {
	return customWire{edit.Edits{Attributes: values}.Custom()}
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
func (c *call) byEmail(member string, read func(*fields), change func(edit.Customer, *edit.Edits) error) (reply, error) {
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
	rows, err := c.customersByEmail(a, email, paging{})
	if err != nil {
		return reply{}, err
	}
	if len(rows) == 0 {
		return reply{}, nobody(email)
	}
	for i, row := range rows {
		if err := change(edit.Of(row.src.Space(), row.h, row.attrs), &rows[i].edits); err != nil {
			return reply{}, err
		}
	}
	return reply{status: http.StatusOK, body: customerEntries{c.customerWires(rows)}}, nil
}

// addTagsByEmail is POST /customers/attributes/tags.
func addTagsByEmail(c *call) (reply, error) {
	var tags []string
	return c.byEmail("tags", func(f *fields) {
		tags = f.texts("tags")
	}, func(who edit.Customer, e *edit.Edits) (err error) {
		e.Tags, err = c.Edits.AddTags(c.Context(), who, tags...)
		return err
	})
}

// addCustomByEmail is POST /customers/attributes/custom.
func addCustomByEmail(c *call) (reply, error) {
	var values map[string]edit.Value
	return c.byEmail("custom", func(f *fields) {
		values = readCustomList(f, "custom")
	}, func(who edit.Customer, e *edit.Edits) (err error) {
		e.Attributes, err = c.Edits.Set(c.Context(), who, values)
		return err
	})
}
