package console

import "reseed/pkg/api/wire"

type sourcesPage struct {
	base
	Sources []wire.Source
}

// listSources is GET /sources.
func (c *Console) listSources(v *visit) (answer, error) {
	list, err := v.client.Sources(v.ctx())
	return show("sources", sourcesPage{v.base("Data Sources", "sources"), list}), err
}
