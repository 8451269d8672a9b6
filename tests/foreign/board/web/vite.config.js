export default {
  server: { proxy: { "/api": { target: process.env.API_TARGET, changeOrigin: true } } },
};
