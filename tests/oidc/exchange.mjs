// An OAuth server with token exchange (RFC 8693), for tests/outside/issuers/exchange.rs. It is the npm package
// @jmondi/oauth2-server on a free loopback port.
//
// It prints `listening 127.0.0.1:PORT`, and `subjects {…}` with tokens to exchange. The package issues the tokens and
// checks the requests. The repositories in this file define the clients and scopes, and `processTokenExchange` defines
// which subject tokens are accepted. The server ends when standard input is closed, and after five minutes at most.

import { createServer } from 'node:http';
import { AuthorizationServer, DateInterval, JwtService, OAuthException } from '@jmondi/oauth2-server';
import { handleVanillaError, requestFromVanilla, responseToVanilla } from '@jmondi/oauth2-server/vanilla';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const JWT_TYPE = 'urn:ietf:params:oauth:token-type:jwt';
const API = 'https://api.example/';

const scopes = [{ name: 'read' }, { name: 'write' }];
const client = (id, secret, allowedGrants) => ({ id, name: id, secret, redirectUris: [], allowedGrants, scopes });
const clients = [client('broker', 'correct-horse', ['client_credentials', EXCHANGE]), client('service', 'correct-horse', ['client_credentials']), client('open', null, [EXCHANGE])];
let count = 0;

const clientRepository = {
  getByIdentifier: async (id) => clients.find((known) => known.id === id),
  isClientValid: async (grant, known, secret) => known.allowedGrants.includes(grant) && (known.secret ?? undefined) === secret,
};
const tokenRepository = {
  issueToken: async (known, granted, user) => ({ accessToken: `token-${(count += 1)}`, client: known, user, scopes: granted }),
  persist: async () => {},
};
const scopeRepository = {
  getAllByIdentifiers: async (names) => scopes.filter((scope) => names.includes(scope.name)),
  finalize: async (granted) => granted,
};
const own = new JwtService('what this server signs its own tokens with');
const platform = new JwtService('what the platform signs with, which this server knows');

async function processTokenExchange({ audience, resource, subjectToken, subjectTokenType, actorToken, actorTokenType }) {
  if ((resource ?? audience ?? API) !== API) throw new OAuthException('no such API', 'invalid_target');
  const verified = (token, type) => (type === JWT_TYPE ? platform : own).verify(token).catch((error) => {
    throw OAuthException.badRequest(error.message);
  });
  const actor = actorToken === undefined ? undefined : await verified(actorToken, actorTokenType);
  const { sub, cid } = await verified(subjectToken, subjectTokenType);
  return { id: [sub ?? cid, actor?.sub].filter(Boolean).join(' for ') };
}

const authorization = new AuthorizationServer(clientRepository, tokenRepository, scopeRepository, own, {});
authorization.enableGrantTypes(['client_credentials', new DateInterval('1h')], [{ grant: EXCHANGE, processTokenExchange }, new DateInterval('321s')]);

async function answer(request) {
  try {
    return responseToVanilla(await authorization.respondToAccessTokenRequest(await requestFromVanilla(request)));
  } catch (error) {
    if (!(error instanceof OAuthException)) console.error(error);
    return responseToVanilla(handleVanillaError(error));
  }
}

const server = createServer(async (incoming, outgoing) => {
  const pieces = [];
  for await (const piece of incoming) pieces.push(piece);
  const { method, headers } = incoming;
  const response = await answer(new Request(`http://${headers.host}${incoming.url}`, { method, headers, body: Buffer.concat(pieces) }));
  outgoing.writeHead(response.status, Object.fromEntries(response.headers));
  outgoing.end(await response.text());
});
server.listen(0, '127.0.0.1', async () => {
  const address = `127.0.0.1:${server.address().port}`;
  // One subject token comes from this server, the others from a platform that writes its tokens into a file.
  const form = new URLSearchParams({ grant_type: 'client_credentials', client_id: 'service', client_secret: 'correct-horse' });
  const issued = await (await fetch(`http://${address}/token`, { method: 'POST', body: form })).json();
  const now = Math.floor(Date.now() / 1000);
  const file = await platform.sign({ sub: 'deploy', exp: now + 3600 });
  const ended = await platform.sign({ sub: 'deploy', exp: now - 3600 });
  console.log(`subjects ${JSON.stringify({ issued: issued.access_token, file, ended })}`);
  console.log(`listening ${address}`);
});

const end = () => process.exit(0);
process.stdin.on('end', end).on('close', end).resume();
setTimeout(end, 5 * 60 * 1000);
