package chartmogul

import (
	"math"
	"net/http"
	"strings"
	"unicode"

	"reseed/pkg/fault"
	"reseed/pkg/job"
	"reseed/pkg/store"
)

const (
	systemOfREST = "Custom" // what ChartMogul calls a source made over its API
	statusIdle   = "idle"
)

// sourceWire is a data source on the wire. The three settings are only there when asked for.
type sourceWire struct {
	UUID            string           `json:"uuid"`
	Name            string           `json:"name"`
	System          string           `json:"system"`
	CreatedAt       stamp            `json:"created_at"`
	Status          string           `json:"status"`
	Processing      *processingWire  `json:"processing_status,omitempty"`
	AutoChurn       *autoChurnWire   `json:"auto_churn_subscription_setting,omitempty"`
	InvoiceHandling *invoicesSetting `json:"invoice_handling_setting,omitempty"`
}

// processingWire counts the rows of the source's latest import.
type processingWire struct {
	Processed int64 `json:"processed"`
	Failed    int64 `json:"failed"`
	Pending   int64 `json:"pending"`
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
	if c.flag("with_auto_churn_subscription_setting") {
		w.AutoChurn = &autoChurnWire{}
	}
	if c.flag("with_invoice_handling_setting") { // ChartMogul's defaults: neither can be set yet
		h := invoiceHandling{Create: "paid", Update: "open"}
		w.InvoiceHandling = &invoicesSetting{Manual: h, Automatic: h}
	}
	return w
}

// withProcessing adds processing_status where it was asked for.
func (c *call) withProcessing(list []sourceWire) error {
	if !c.flag("with_processing_status") {
		return nil
	}
	latest, err := c.latestImports()
	if err != nil {
		return err
	}
	for i := range list {
		list[i].Processing = &processingWire{}
		if j := latest[list[i].UUID]; j != nil {
			*list[i].Processing = processingOf(j)
		}
	}
	return nil
}

// processingOf counts the rows of a job. How many an open one has left to read is
// estimated from its bytes; what was read and is not decided yet is pending too.
func processingOf(j *job.Job) processingWire {
	var p processingWire
	for _, n := range j.Datasets {
		p.Processed += n.Read - n.Rejected
		p.Failed += n.Rejected
	}
	if j.Status.Ended() {
		return p
	}
	rows := float64(j.Progress.RowsDone)
	if done := j.Progress.BytesDone; done > 0 {
		rows *= float64(j.Progress.BytesTotal) / float64(done)
	}
	all := int64(math.Round(rows))
	p.Processed = min(all-p.Failed, int64(float64(all)*j.Progress.Fraction))
	p.Pending = max(0, all-p.Processed-p.Failed)
	return p
}

// createSource is POST /data_sources.
func createSource(c *call) (reply, error) {
	f, err := c.body()
	if err != nil {
		return reply{}, err
	}
	if err := f.require("name"); err != nil {
		return reply{}, err
	}
	name, system := f.text("name"), f.text("system")
	if name == "" {
		f.fail("name", textNameNeeded)
	}
	if strings.ContainsFunc(name, unicode.IsControl) { // a list of names would show a line that is none
		f.fail("name", "must not hold control characters")
	}
	if err := f.refused(); err != nil {
		return reply{}, err
	}
	if system == "" {
		system = systemOfREST
	}
	made, err := c.Records.AddSource(c.Context(), name, system)
	if fault.CodeOf(err) == "taken" {
		return reply{}, refused(map[string]string{"name": textNameTaken})
	}
	if err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusCreated, body: c.sourceWire(made)}, nil
}

// listSources is GET /data_sources: all of them, there is no paging.
func listSources(c *call) (reply, error) {
	a, err := c.Records.Account(c.Context())
	if err != nil {
		return reply{}, err
	}
	list := []sourceWire{}
	name, system := c.param("name"), c.param("system")
	for _, s := range a.Sources {
		if (name == "" || s.Name == name) && (system == "" || s.System == system) {
			list = append(list, c.sourceWire(s))
		}
	}
	if err := c.withProcessing(list); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: sourceList{list}}, nil
}

// source is the one that the path names.
func (c *call) source() (store.Source, error) {
	_, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	return src, err
}

// getSource is GET /data_sources/:uuid.
func getSource(c *call) (reply, error) {
	s, err := c.source()
	if err != nil {
		return reply{}, err
	}
	one := []sourceWire{c.sourceWire(s)}
	if err := c.withProcessing(one); err != nil {
		return reply{}, err
	}
	return reply{status: http.StatusOK, body: one[0]}, nil
}
