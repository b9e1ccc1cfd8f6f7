// Shows the API of the host that this page came from. Nothing is loaded from
// elsewhere, and nothing is sent there: validatorUrl is a service on the internet
// unless it is null.
'use strict';

const place = document.getElementById('api');

SwaggerUIBundle({
  domNode: place,
  url: place.dataset.document,
  deepLinking: true,
  displayRequestDuration: true,
  defaultModelsExpandDepth: -1,
  queryConfigEnabled: false,
  validatorUrl: null,
  layout: 'BaseLayout',
});
