package lambda

import (
	"errors"
	"io"
	"net/http"
)

// Invocations is Lambda's own API as far as a function calls another by it: POST /2015-03-31/functions/{name}/invocations, which
// waits for the answer. named finds a function by its physical name, nil if there is none. Whose signature it is, nobody asks.
func Invocations(named func(string) *Function) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{name}/invocations", func(w http.ResponseWriter, r *http.Request) {
		refuse := func(code int, kind string) {
			w.Header().Set("X-Amzn-Errortype", kind)
			w.WriteHeader(code)
		}
		f := named(r.PathValue("name"))
		if f == nil {
			refuse(http.StatusNotFound, "ResourceNotFoundException")
			return
		}
		event, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload+1))
		if err != nil {
			return // the caller is gone
		}
		result, err := f.Invoke(r.Context(), event)
		switch {
		case errors.Is(err, ErrTooLarge):
			refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException")
			return
		case errors.Is(err, ErrThrottled):
			refuse(http.StatusTooManyRequests, "TooManyRequestsException")
			return
		case err != nil:
			refuse(http.StatusInternalServerError, "ServiceException")
			return
		}
		if result.Failed {
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
		}
		_, _ = w.Write(result.Payload) // the caller may be gone
	})
	return mux
}
