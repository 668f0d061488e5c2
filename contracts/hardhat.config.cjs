// A node for the tests of the gateway, next to Anvil: another client, which traces nothing. It mines
// when it is told to. Nothing is compiled by it.
module.exports = {
  solidity: "0.8.37",
  networks: {
    hardhat: {
      chainId: 31337,
      hardfork: "osaka",
      mining: { auto: false, interval: 0, mempool: { order: "fifo" } },
      accounts: { mnemonic: "test test test test test test test test test test test junk", count: 10 },
    },
  },
};
