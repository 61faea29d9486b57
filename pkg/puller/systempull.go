package puller

import (
	"reseed/pkg/fault"
	"reseed/pkg/job"
)

// fits refuses a request that a source cannot fulfil.
func (r Request) fits(s Setting, h history) error {
	alone := r.Customer != "" || r.Reprocess
	switch {
	case alone && s.System == nil:
		return fault.New(fault.Conflict, CodeNotForSheets, "This data source pulls from a spreadsheet, which is always read as a whole. Only a billing system can be reprocessed, or re-synced for one customer.")
	case r.Customer != "" && r.Reprocess:
		return &fault.Error{Kind: fault.Invalid, Code: "bad_request", Param: "customer", Message: "What was read is reprocessed for all customers. Leave out one of both."}
	case r.Reprocess && h.raw == nil:
		return errPullNeeded()
	case s.System != nil && s.System.Disconnected && !r.Reprocess:
		return errDisconnected()
	}
	return nil
}

func errPullNeeded() error {
	return fault.New(fault.Conflict, CodePullNeeded, "The raw data of the last re-sync is gone, since it was erased, or there was none yet: re-sync the data source.")
}

// pull says in a job what is pulled.
func (s *System) pull(spec *job.ImportSpec, r Request, h history) {
	spec.Datasets, spec.AllowEmpty = []string{job.Unmapped}, true // see importer: emptied
	p := spec.Pull
	p.System, p.Account, p.Customer, p.Reprocess, p.Raw, p.Whole = s.Name, s.Named(), r.Customer, r.Reprocess, idOf(h.raw), true
	if h.raw != nil && p.Customer == "" {
		p.Expected = h.raw.Import.Pull.Objects
	}
}
