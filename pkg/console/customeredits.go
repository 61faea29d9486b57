package console

import (
	"net/http"
	"strings"

	"reseed/pkg/api/client"
	"reseed/pkg/api/wire"
)

// editCustomerPage is the form of a customer's fields.
type editCustomerPage struct {
	base
	ID      string
	Fields  []editField
	Problem string // with none of the fields
}

// editField is a field of the form.
type editField struct {
	formField
	Was string // the value when the form was made: only what differs is changed
}

// editable are the fields that people may change.
func editable() []formField {
	const when = "In UTC, such as 2026-01-31 or 2026-01-31 14:30."
	return []formField{
		{Name: "name"},
		{Name: "email"},
		{Name: "company"},
		{Name: "country", Hint: "Two letters, such as DE, or the name in English."},
		{Name: "state"},
		{Name: "city"},
		{Name: "zip"},
		{Name: "lead_created_at", Hint: when},
		{Name: "free_trial_started_at", Hint: when},
		{Name: "owner", Hint: "The e-mail address of who looks after this customer."},
		{Name: "website_url"},
	}
}

// showEditCustomer is GET /customers/{id}/edit.
func (c *Console) showEditCustomer(v *visit) (answer, error) {
	p, err := v.editCustomerPage()
	return show("customeredit", p), err
}

// editCustomerPage makes the form, filled with what is stored.
func (v *visit) editCustomerPage() (p editCustomerPage, err error) {
	all, err := v.members()
	if err != nil {
		return p, err
	}
	root := all.Members[0].Record
	p = editCustomerPage{base: v.base("Edit "+nameOf(root), "customers"), ID: all.Customer}
	for _, f := range editable() {
		f.Label, f.Value, f.Kind, f.Most = labelOf(f.Name), root.Field(f.Name).Value, "text", 255
		p.Fields = append(p.Fields, editField{f, f.Value})
	}
	return p, nil
}

// editCustomer is POST /customers/{id}/edit: the fields that are sent, and differ from what the form showed.
func (c *Console) editCustomer(v *visit) (answer, error) {
	p, err := v.editCustomerPage()
	if err != nil {
		return answer{}, err
	}
	change, names := p.read(v), []hiddenInput{}
	for name := range change {
		names = append(names, hiddenInput{"field", name})
	}
	if len(change) == 0 {
		return goTo("/customers/" + p.ID), nil
	}
	err = v.client.EditCustomer(v.ctx(), p.ID, change)
	if e := refusedBy(err); e != nil {
		p.refuse(e)
		return refuse("customeredit", p), nil
	}
	return done("/customers/"+p.ID, "edited", names...), err
}

// read reads the form, and returns the fields that are to change.
func (p *editCustomerPage) read(v *visit) map[string]string {
	_ = v.ParseForm() // what cannot be read was not sent
	change := map[string]string{}
	for i := range p.Fields {
		f := &p.Fields[i]
		if !v.PostForm.Has(f.Name) {
			continue
		}
		if v.PostForm.Has("was." + f.Name) {
			f.Was = v.PostForm.Get("was." + f.Name)
		}
		if f.Value = strings.TrimSpace(v.PostForm.Get(f.Name)); f.Value != f.Was {
			change[f.Name] = f.Value
		}
	}
	return change
}

// refuse puts the messages of an error beside the fields.
func (p *editCustomerPage) refuse(e *client.Error) {
	p.Problem = e.Message
	for i := range p.Fields {
		if text := e.Fields[p.Fields[i].Name]; text != "" {
			p.Fields[i].Problem, p.Problem = labelOf(p.Fields[i].Name)+" "+text+".", ""
		}
	}
}

// refusedBy is what the API says if it has refused what a form holds, so that the form is to be shown
// again; nil of all other errors.
func refusedBy(err error) *client.Error {
	e, _ := refusal(err, http.StatusUnprocessableEntity, http.StatusBadRequest, http.StatusConflict)
	return e
}

// revertEdits is POST /edits/{id}/revert: of the fields of the form, or of all that was done to a record.
func (c *Console) revertEdits(v *visit) (answer, error) {
	back := localPath(v.PostFormValue("back"))
	fields := v.PostForm["field"]
	err := v.client.RevertEdits(v.ctx(), v.PathValue("id"), fields...)
	if refusedBy(err) != nil { // it was reverted already, in another tab
		err = nil
	}
	var inputs []hiddenInput
	for _, name := range fields {
		inputs = append(inputs, hiddenInput{"field", name})
	}
	if v.PostForm.Has("value") {
		inputs = append(inputs, hiddenInput{"value", v.PostFormValue("value")})
	}
	return done(back, "reverted", inputs...), err
}

// addTag is POST /customers/{id}/tags.
func (c *Console) addTag(v *visit) (answer, error) {
	tag := strings.TrimSpace(v.PostFormValue("tag"))
	return v.changeCustomer(func(root string) error { return v.client.AddTags(v.ctx(), root, tag) }, "tagged", []hiddenInput{{"tag", tag}}, func(p *customerPage, problem string) {
		p.Tag, p.TagProblem = tag, problem
	})
}

// removeTag is POST /customers/{id}/tags/remove.
func (c *Console) removeTag(v *visit) (answer, error) {
	tag := v.PostFormValue("tag")
	return v.changeCustomer(func(root string) error { return v.client.RemoveTags(v.ctx(), root, tag) }, "untagged", []hiddenInput{{"tag", tag}}, func(p *customerPage, problem string) {
		p.TagProblem = problem
	})
}

// setAttribute is POST /customers/{id}/attributes.
func (c *Console) setAttribute(v *visit) (answer, error) {
	a := wire.CustomAttribute{Key: strings.TrimSpace(v.PostFormValue("key")), Type: v.PostFormValue("type"), Value: v.PostFormValue("value")}
	return v.changeCustomer(func(root string) error { return v.client.SetAttribute(v.ctx(), root, a) }, "", nil, func(p *customerPage, problem string) {
		p.Custom = attributeForm{a, problem}
	})
}

// removeAttribute is POST /customers/{id}/attributes/remove.
func (c *Console) removeAttribute(v *visit) (answer, error) {
	key := v.PostFormValue("key")
	return v.changeCustomer(func(root string) error { return v.client.RemoveAttributes(v.ctx(), root, key) }, "", nil, func(p *customerPage, problem string) {
		p.Custom.Problem = problem
	})
}

// changeCustomer makes a change of the customer of the path, and goes to its page, which tells what was
// done. If the change is refused, the page says why.
func (v *visit) changeCustomer(change func(root string) error, did string, inputs []hiddenInput, tell func(*customerPage, string)) (answer, error) {
	all, err := v.members()
	if err != nil {
		return answer{}, err
	}
	page := "/customers/" + all.Customer
	err = change(all.Customer)
	if e := refusedBy(err); e != nil {
		p, err := v.customerPage()
		tell(&p, problemOf(e))
		return refuse("customer", p), err
	}
	if did == "" {
		return goTo(page), err
	}
	return done(page, did, inputs...), err
}

// problemOf is what is wrong, without the names of members of the request.
func problemOf(e *client.Error) string {
	for _, text := range e.Fields {
		return strings.ToUpper(text[:1]) + text[1:] + "."
	}
	return e.Message
}
