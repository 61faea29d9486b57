package api

import (
	"errors"
	"net/http"

	"reseed/pkg/api/wire"
	"reseed/pkg/billing"
	"reseed/pkg/fault"
	"reseed/pkg/httpapi"
	"reseed/pkg/records"
	"reseed/pkg/source"
)

// settingNames are the members and parts of forms that are settings.
func settingNames() []string {
	return []string{"encoding", "delimiter", "skip_lines", "map", "date_format", "amounts", "decimal", "ids"}
}

// settingsOf reads settings. What is not given is empty.
func settingsOf(f *httpapi.Fields) source.Settings {
	s := source.Settings{
		Encoding: f.Text("encoding"), Delimiter: f.Text("delimiter"), SkipLines: int(f.WholeOr("skip_lines", 0)), Map: f.Texts("map", source.MaxMappings),
		DateFormat: f.Text("date_format"), Amounts: f.OneOf("amounts", source.AmountsUnits, source.AmountsCents), Decimal: f.OneOf("decimal", source.DecimalComma, source.DecimalPoint),
		IDs: f.OneOf("ids", source.IDsVerbatim, source.IDsChecked),
	}
	if e, ok := errors.AsType[*fault.Error](s.Check()); ok {
		f.Fail(e.Param, e.Message)
	}
	return s
}

// getSettings is GET /v1/data_sources/:uuid/settings.
func getSettings(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	kept, err := c.Imports.Readings(c.Context(), src.Tag)
	return httpapi.Reply{Status: http.StatusOK, Body: wireOfSettings(kept)}, err
}

// changeSettings is PATCH /v1/data_sources/:uuid/settings: it sets the settings that are given for a
// dataset. Those that are null, or empty, go.
func changeSettings(c *call) (httpapi.Reply, error) {
	src, err := c.source()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f, err := c.Fields()
	if err != nil {
		return httpapi.Reply{}, err
	}
	f.Only(append(settingNames(), "dataset")...)
	f.Given("dataset")
	ds, given := billing.Dataset(datasetOf(f)), settingsOf(f)
	if err := f.Refused(); err != nil {
		return httpapi.Reply{}, err
	}
	kept, err := c.Imports.ChangeReadings(c.Context(), src.Tag, func(r *source.Readings) error {
		r.Keep(ds, given.Over(without(r.Of(ds), f)))
		return nil
	})
	return httpapi.Reply{Status: http.StatusOK, Body: wireOfSettings(kept)}, withoutSource(err)
}

// withoutSource is the answer to an error that may say that the source of the path is gone by now.
func withoutSource(err error) error {
	if fault.Is(err, fault.NotFound) {
		return httpapi.Absent(records.WhatSource)
	}
	return err
}

// without returns settings without those that a request has a word on.
func without(s source.Settings, f *httpapi.Fields) source.Settings {
	for name, text := range map[string]*string{
		"encoding": &s.Encoding, "delimiter": &s.Delimiter, "date_format": &s.DateFormat, "amounts": &s.Amounts, "decimal": &s.Decimal, "ids": &s.IDs,
	} {
		if f.Has(name) {
			*text = ""
		}
	}
	if f.Has("skip_lines") {
		s.SkipLines = 0
	}
	if f.Has("map") {
		s.Map = nil
	}
	return s
}

func wireOfSettings(r source.Readings) wire.SourceSettings {
	w := wire.SourceSettings{Settings: make([]wire.KeptSettings, len(r.Kept))}
	for i, k := range r.Kept {
		w.Settings[i] = wire.KeptSettings{Dataset: string(k.Dataset), Settings: wire.Settings(k.Settings)}
	}
	return w
}
