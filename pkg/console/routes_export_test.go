package console

// Route is one of the console's routes.
type Route struct {
	Pattern string
	Open    bool // also for people who are not signed in
}

// Routes are all of them.
func Routes() (all []Route) {
	for _, r := range (&Console{}).routes() {
		all = append(all, Route{r.pattern, r.open})
	}
	return all
}
