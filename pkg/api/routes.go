package api

import (
	"net/http"

	"reseed/pkg/httpapi"
)

type methods = map[string]func(*call) (httpapi.Reply, error)

// route is a path with the handlers of its methods.
type route struct {
	path string
	methods
}

// receiving are the routes that receive files.
func receiving() []route {
	return []route{
		{"/v1/data_sources/{uuid}/imports", methods{http.MethodPost: createImport}},
		{"/v1/data_sources/{uuid}/uploads", methods{http.MethodPost: createUpload}},
	}
}

// own are Reseed's routes, except those that receive files.
func own() []route {
	return []route{
		{"/v1/data_sources/{uuid}/edits", methods{http.MethodGet: listEdits, http.MethodDelete: dropEdits}},
		{"/v1/data_sources/{uuid}/rows", methods{http.MethodGet: listRows}},
		{"/v1/data_sources/{uuid}/settings", methods{http.MethodGet: getSettings, http.MethodPatch: changeSettings}},
		{"/v1/data_sources/{uuid}/syncs", methods{http.MethodGet: getSyncs, http.MethodPost: startSync, http.MethodPatch: changeSyncs}},
		{"/v1/data_sources/{uuid}/connection", methods{http.MethodGet: getConnection, http.MethodPut: connect, http.MethodPatch: changeConnection, http.MethodDelete: disconnect}},
		{"/v1/data_sources/{uuid}/connection/check", methods{http.MethodPost: checkConnection}},
		{"/v1/systems", methods{http.MethodGet: listSystems}},
		{"/v1/systems/{name}/check", methods{http.MethodPost: checkCredentials}},
		{"/v1/customers/{uuid}/members", methods{http.MethodGet: listMembers}},
		{"/v1/customers/{uuid}/timeline", methods{http.MethodGet: getTimeline}},
		{"/v1/records/{id}", methods{http.MethodGet: getRecord}},
		{"/v1/records/{id}/origin", methods{http.MethodGet: getOrigin}},
		{"/v1/data_sources/{uuid}/uploads/{id}", methods{http.MethodGet: getUpload, http.MethodDelete: dropUpload}},
		{"/v1/edits/{id}", methods{http.MethodGet: getEdit, http.MethodDelete: revertEdit}},
		{"/v1/imports", methods{http.MethodGet: listImports}},
		{"/v1/imports/{id}", methods{http.MethodGet: getImport, http.MethodDelete: cancelImport}},
		{"/v1/imports/{id}/apply", methods{http.MethodPost: applyImport}},
		{"/v1/imports/{id}/undo", methods{http.MethodPost: undoImport}},
		{"/v1/imports/{id}/corrections", methods{http.MethodPost: correctImport}},
		{"/v1/imports/{id}/samples", methods{http.MethodGet: getSamples}},
		{"/v1/imports/{id}/changes", methods{http.MethodGet: getChanges}},
		{"/v1/imports/{id}/remaining", methods{http.MethodGet: countRemaining}},
		{"/v1/imports/{id}/rejects", methods{http.MethodGet: getRejects}},
		{"/v1/data_sources/{uuid}/exports", methods{http.MethodPost: createExport}},
		{"/v1/exports", methods{http.MethodGet: listExports, http.MethodPost: createCustomerExport}},
		{"/v1/exports/{id}", methods{http.MethodGet: getExport, http.MethodDelete: deleteExport}},
		{"/v1/exports/{id}/file", methods{http.MethodGet: getExportFile}},
		{"/v1/erasures", methods{http.MethodGet: listErasures, http.MethodPost: createErasure}},
		{"/v1/erasures/{id}", methods{http.MethodGet: getErasure}},
		{"/v1/erasures/{id}/restore", methods{http.MethodPost: restoreErasure}},
		{"/v1/erasures/{id}/receipt", methods{http.MethodGet: getReceipt}},
		{"/v1/receipts", methods{http.MethodGet: listReceipts}},
		{"/v1/data_sources/{uuid}/forgotten", methods{http.MethodDelete: liftForgotten}},
		{"/v1/keys", methods{http.MethodGet: listKeys, http.MethodPost: createKey}},
		{"/v1/keys/{name}", methods{http.MethodDelete: deleteKey}},
		{httpapi.SessionsPath, methods{http.MethodPost: createSession, http.MethodDelete: endSessions}},
		{"/v1/overview", methods{http.MethodGet: getOverview}},
		{"/v1/settings", methods{http.MethodGet: getAccountSettings, http.MethodPatch: changeAccountSettings}},
		{"/v1/settings/test_mail", methods{http.MethodPost: sendTestMail}},
		{"/v1/jobs", methods{http.MethodGet: listJobs}},
		{"/v1/jobs/{id}", methods{http.MethodGet: getJob}},
	}
}

// routes are all of Reseed's own routes.
func (s *server) routes() []httpapi.Route {
	out := []httpapi.Route{}
	for _, r := range receiving() {
		out = append(out, httpapi.Route{Path: r.path, Kind: httpapi.PlainJSON, Upload: s.MaxUpload, Methods: s.on(r.methods)})
	}
	for _, r := range own() {
		out = append(out, httpapi.Route{Path: r.path, Kind: httpapi.PlainJSON, Methods: s.on(r.methods)})
	}
	return out
}

// on makes handlers of this server.
func (s *server) on(m methods) map[string]httpapi.Handler {
	out := map[string]httpapi.Handler{}
	for method, h := range m {
		out[method] = func(c *httpapi.Call) (httpapi.Reply, error) { return h(&call{server: s, Call: c}) }
	}
	return out
}
