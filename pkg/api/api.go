package api

import (
	"net/http"

	"reseed/pkg/app"
	"reseed/pkg/chartmogul"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/store"
)

// server is what all calls share.
type server struct {
	Config
	Records *records.Records
	keys    *httpapi.Keyring
}

// call is one request on its way through a handler.
type call struct {
	*server
	*httpapi.Call
}

// New returns the handler of the whole REST API, ChartMogul's routes and Reseed's own. It has to be
// served at the root of a host.
func New(c Config) http.Handler {
	if c.Currency == "" {
		c.Currency = "USD"
	}
	if c.MaxUpload == 0 {
		c.MaxUpload = DefaultMaxUpload
	}
	s := &server{Config: c, keys: httpapi.NewKeyring(c.Keys, c.Store, c.Now)}
	s.Records = records.New(records.Config{
		Store: c.Store, Edits: c.Edits, Now: c.Now, Holder: c.Jobs.Holder, Forgotten: c.Erase.Forgotten,
	})
	theirs := chartmogul.Routes(chartmogul.Config{
		Records: s.Records, Now: c.Now, Erase: s.eraseOf, Processing: s.processing, PublicURL: c.PublicURL, Currency: c.Currency,
	})
	return httpapi.New(httpapi.Config{
		Log: c.Log, Keys: s.keys, Asked: c.Asked, Patience: c.Patience, Spare: app.UploadLife,
	}, append(theirs, s.routes()...))
}

// source is the data source that the path names.
func (c *call) source() (store.Source, error) {
	_, src, err := c.Records.Source(c.Context(), c.PathValue("uuid"))
	return src, err
}
