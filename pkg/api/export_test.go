package api

import (
	"reseed/pkg/chartmogul"
	"reseed/pkg/httpapi"
)

// OwnPaths lists Reseed's own routes and their methods.
func OwnPaths() map[string][]string { return pathsOf((&server{}).routes()) }

// TheirPaths lists ChartMogul's routes and their methods.
func TheirPaths() map[string][]string { return pathsOf(chartmogul.Routes(chartmogul.Config{})) }

func pathsOf(routes []httpapi.Route) map[string][]string {
	out := map[string][]string{}
	for _, r := range routes {
		for m := range r.Methods {
			out[r.Path] = append(out[r.Path], m)
		}
	}
	return out
}
