"""Convolution, as one linear map.

A convolution lays a small kernel w on every place of an input x and sums the products there. (The kernel is not turned
round, so strictly this is a cross-correlation; every deep-learning library calls it convolution.)

    y[n, o, i] = b[o] + sum over c and k of  w[o, c, k] * x[n, c, i * stride + k * dilation - padding]

with n the image, o and c the output and input channels, i the output place and k the place in the kernel (one index
each for 1 to 3 dimensions), and x zero where the index lies outside. The smallest example:

    x = 1 2 3      w = a b      y = 1a+2b+4c+5d   2a+3b+5c+6d
        4 5 6          c d          4a+5b+7c+8d   5a+6b+8c+9d
        7 8 9

Each y is a sum of x's with fixed weights, so the map is a matrix. With inputs and outputs in reading order, Y = W X:

    W = a b . c d . . . .
        . a b . c d . . .
        . . . a b . c d .
        . . . . a b . c d

>>> import numpy as np
>>> import minidl as torch
>>> w = torch.tensor([[[[1., 2.], [3., 4.]]]])
>>> x = torch.arange(1., 10.).reshape(1, 1, 3, 3)
>>> W = dense_matrix(w, (1, 3, 3))
>>> W
tensor([[1., 2., 0., 3., 4., 0., 0., 0., 0.],
        [0., 1., 2., 0., 3., 4., 0., 0., 0.],
        [0., 0., 0., 1., 2., 0., 3., 4., 0.],
        [0., 0., 0., 0., 1., 2., 0., 3., 4.]])
>>> W @ x.flatten(), torch.nn.functional.conv2d(x, w).flatten()
(tensor([37., 47., 67., 77.]), tensor([37., 47., 67., 77.]))

Three things can be read from the matrix.

- Sharing and locality: 4 numbers fill 36 places. A linear layer would learn all 36.
- The gradient. If g is the gradient of a loss for Y, that for X is W^T g. The map X = W^T Y takes 4 numbers to 9: it
  undoes the shapes of the convolution, not its values, and networks that enlarge images use it as a layer of its own.
  Hence its name, transposed convolution.
- The column of the middle input is (d, c, b, a). So the transpose also lays a kernel on every place: with stride 1 it
  is a convolution with the kernel turned round.

>>> y = torch.tensor([[[[1., 10.], [100., 1000.]]]])
>>> (W.T @ y.flatten()).reshape(3, 3)
tensor([[1.0000e+00, 1.2000e+01, 2.0000e+01],
        [1.0300e+02, 1.2340e+03, 2.0400e+03],
        [3.0000e+02, 3.4000e+03, 4.0000e+03]])
>>> torch.equal(torch.nn.functional.conv_transpose2d(y, w).flatten(), W.T @ y.flatten())
True

The convolution is linear in w too, and the gradient for w is of the same kind: it correlates x with g. These three maps
(in `functional`) name each other as gradients, and so give derivatives of every order.

**How it is computed.** The matrix says what the result is, not how to get it: it is mostly zeros. Each algorithm is a file
of its own, with its cost and its source; `choose` takes the one that should be fastest, `minidl.backends.conv` tells which,
and lets you take another. In the example, with a, b, c, d = 1, 2, 3, 4:

`direct`: one kernel place after the other, each a number times a part of x. All other algorithms rearrange these products.

>>> a, b, c, d = w.flatten()
>>> i = x[0, 0]
>>> a * i[:2, :2] + b * i[:2, 1:] + c * i[1:, :2] + d * i[1:, 1:]
tensor([[37., 47.],
        [67., 77.]])

`im2col`: each patch of x becomes a column, the kernel a row. Copying x so often pays, because then all is one matrix
product, which processors do best. (`unfold` makes these columns for you.)

>>> columns = torch.nn.functional.unfold(x, 2)[0]
>>> columns
tensor([[1., 2., 4., 5.],
        [2., 3., 5., 6.],
        [4., 5., 7., 8.],
        [5., 6., 8., 9.]])
>>> w.reshape(1, 4) @ columns
tensor([[37., 47., 67., 77.]])

`shifted`: the last two of these rows are the first two, one image row later. So copy for the kernel's width only, and read
the lines again from further on for each kernel row.

>>> lines = torch.stack([i[:, :2].flatten(), i[:, 1:].flatten()])
>>> lines
tensor([[1., 2., 4., 5., 7., 8.],
        [2., 3., 5., 6., 8., 9.]])
>>> w[0, 0, 0] @ lines[:, :4] + w[0, 0, 1] @ lines[:, 2:]
tensor([37., 47., 67., 77.])

`pointwise` (a kernel of one place: no copies at all) and `depthwise` (a group for each channel: no sum to make a product
of) are the two ends of that. `winograd` needs fewer multiplications: two outputs of a kernel (p, q, r) on four numbers take
not 6 but 4. The factors with the kernel in them are found once, for all of an image:

    y1 = m1 + m2 + m3     m1 = (x1 - x3) p     m2 = (x2 + x3) (p + q + r) / 2
    y2 = m2 - m3 - m4     m4 = (x2 - x4) r     m3 = (x3 - x2) (p - q + r) / 2

`fft` takes x and w to frequencies, where a convolution is a product, and so costs the same for every size of kernel:

>>> X, K = np.fft.fft2(i.numpy()), np.fft.fft2(w[0, 0].numpy(), (3, 3))
>>> torch.tensor(np.fft.ifft2(X * K.conj()).real[:2, :2])
tensor([[37., 47.],
        [67., 77.]])

These two round differently from a plain sum, and are used where you ask for them or allow ``precision = "fast"``.

`transposed`: the input gradient, by any of these. With stride 1 it is a convolution with the kernel turned round. With
stride 2 it is two interleaved ones for each dimension: even and odd places are read by different parts of the kernel.

>>> g = torch.tensor([[[1., 10., 100.]]])
>>> torch.nn.functional.conv_transpose1d(g, torch.tensor([[[1., 2., 3.]]]), stride=2)
tensor([[[  1.,   2.,  13.,  20., 130., 200., 300.]]])
>>> even, odd = torch.tensor([[[3., 1.]]]), torch.tensor([[[2.]]])
>>> torch.nn.functional.conv1d(g, even, padding=1), torch.nn.functional.conv1d(g, odd)
(tensor([[[  1.,  13., 130., 300.]]]), tensor([[[  2.,  20., 200.]]]))

`geometry` says which sizes fit, `layout` how images lie in memory, `pieces` and `product` keep the work in the caches.

Dumoulin, Visin, A guide to convolution arithmetic for deep learning, 2016, https://arxiv.org/abs/1603.07285.
"""

from .dense import dense_matrix as dense_matrix
from .functional import conv1d as conv1d
from .functional import conv2d as conv2d
from .functional import conv3d as conv3d
from .functional import conv_transpose1d as conv_transpose1d
from .functional import conv_transpose2d as conv_transpose2d
from .functional import conv_transpose3d as conv_transpose3d
