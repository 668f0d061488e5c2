// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A wallet that is a contract: it calls a signature good when its owner's key made it (ERC-1271).
contract SigningWallet {
    address public immutable OWNER;

    constructor() {
        OWNER = msg.sender;
    }

    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (bytes32 r, bytes32 s) = abi.decode(signature[:64], (bytes32, bytes32));
        address signer = ecrecover(hash, uint8(signature[64]), r, s);
        return signer == OWNER ? this.isValidSignature.selector : bytes4(0xffffffff);
    }
}
