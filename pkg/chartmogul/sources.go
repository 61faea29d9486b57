package chartmogul

import (
	"net/http"
	"strings"
	"unicode"

	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/store"
)

const (
	systemOfREST = "Custom" // what ChartMogul calls a source made over its API
	statusIdle   = "idle"

	textNameNeeded = "A name is required for each data source."
)

// sourceWire is a data source on the wire. The last three members are only there if the request
// asks for them.
type sourceWire struct {
	UUID            string           `json:"uuid"`
	Name            string           `json:"name"`
	System          string           `json:"system"`
	CreatedAt       stamp            `json:"created_at"`
	Status          string           `json:"status"`
	Processing      *Processing      `json:"processing_status,omitempty"`
	AutoChurn       *autoChurnWire   `json:"auto_churn_subscription_setting,omitempty"`
	InvoiceHandling *invoicesSetting `json:"invoice_handling_setting,omitempty"`
}

type autoChurnWire struct {
	Enabled  bool   `json:"enabled"`
	Interval *int64 `json:"interval"`
}

type invoicesSetting struct {
	Manual    invoiceHandling `json:"manual"`
	Automatic invoiceHandling `json:"automatic"`
}

type invoiceHandling struct {
	Create            string `json:"create_subscription_when_invoice_is"`
	Update            string `json:"update_subscription_when_invoice_is"`
	PreventVoided     bool   `json:"prevent_subscription_for_invoice_voided"`
	PreventRefunded   bool   `json:"prevent_subscription_for_invoice_refunded"`
	PreventWrittenOff bool   `json:"prevent_subscription_for_invoice_written_off"`
}

type sourceList struct {
	DataSources []sourceWire `json:"data_sources"`
}

func (c *call) sourceWire(s store.Source) sourceWire {
	w := sourceWire{UUID: s.UUID, Name: s.Name, System: s.System, CreatedAt: stamp(s.CreatedAt), Status: statusIdle}
	if c.Flag("with_auto_churn_subscription_setting") {
		w.AutoChurn = &autoChurnWire{}
	}
	if c.Flag("with_invoice_handling_setting") { // ChartMogul's defaults: neither can be set yet
		h := invoiceHandling{Create: "paid", Update: "open"}
		w.InvoiceHandling = &invoicesSetting{Manual: h, Automatic: h}
	}
	return w
}

// withProcessing adds processing_status if the request asks for it.
func (c *call) withProcessing(list []sourceWire) error {
	if !c.Flag("with_processing_status") {
		return nil
	}
	latest, err := c.Processing(c.Context())
	if err != nil {
		return err
	}
	for i := range list {
		p := latest[list[i].UUID]
		list[i].Processing = &p
	}
	return nil
}

// createSource is POST /data_sources.
func createSource(c *call) (httpapi.Reply, error) {
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	if err := f.Require("name"); err != nil {
		return httpapi.Reply{}, err
	}
	name, system := f.Text("name"), f.Text("system")
	if name == "" {
		f.Fail("name", textNameNeeded)
	}
	if strings.ContainsFunc(name, unicode.IsControl) { // a line break in it would look like another name
		f.Fail("name", "must not hold control characters")
	}
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	if system == "" {
		system = systemOfREST
	}
	made, err := c.Records.AddSource(c.Context(), name, system)
	if fault.CodeOf(err) == "taken" {
		return httpapi.Reply{}, httpapi.Refused(map[string]string{"name": err.Error()})
	}
	if err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusCreated, Body: c.sourceWire(made)}, nil
}

// listSources is GET /data_sources. It has no pages. With a name, or a uuid in its place, it lists
// the source that this means, then others whose names are the same in another spelling.
func listSources(c *call) (httpapi.Reply, error) {
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return httpapi.Reply{}, err
	}
	list := []sourceWire{}
	sources, system := a.Sources, c.Param("system")
	if name := c.Param("name"); name != "" {
		sources = a.Named(name)
	}
	for _, s := range sources {
		if system == "" || s.System == system {
			list = append(list, c.sourceWire(s))
		}
	}
	if err := c.withProcessing(list); err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: sourceList{list}}, nil
}

// source is the source that the path names.
func (c *call) source() (store.Source, error) {
	_, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	return src, err
}

// getSource is GET /data_sources/:uuid.
func getSource(c *call) (httpapi.Reply, error) {
	s, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	one := []sourceWire{c.sourceWire(s)}
	if err := c.withProcessing(one); err != nil {
		return httpapi.Reply{}, err
	}
	return httpapi.Reply{Status: http.StatusOK, Body: one[0]}, nil
}
